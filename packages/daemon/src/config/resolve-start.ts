import { type BuildConfig, type Problem } from "@bloomery/contract";
import { isBroken, manifestProblem } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";
import { listBuiltPackages } from "./resolve-build.js";
import { fileProblem } from "./source.js";
import { suggestNear } from "./suggest-near.js";

/** The start command; null when a problem says why there is none. */
export interface ResolvedStart {
  readonly start: string | null;
  readonly problems: readonly Problem[];
}

const none: ResolvedStart = { start: null, problems: [] };

/** `[run] command`, else `web.commands.start`, else the only binary where cargo puts it. */
export function resolveStart(parts: ProjectParts, build: BuildConfig): ResolvedStart {
  const { toml, yaml, cargo } = parts;
  const start = toml.data.run?.command ?? yaml.data.web?.commands?.start;
  if (start !== undefined) return { start: start.trim(), problems: checkProfile(parts, build, start) };
  const isUnclear =
    cargo.isBroken ||
    isBroken(toml, ["run", "command"]) ||
    isBroken(toml, ["build", "bin"]) ||
    isBroken(toml, ["build", "package"]) ||
    isBroken(yaml, ["web", "commands", "start"]);
  return isUnclear ? none : startOnlyBinary(parts, build);
}

function startOnlyBinary(parts: ProjectParts, build: BuildConfig): ResolvedStart {
  if (!parts.cargo.exists) return { start: null, problems: [noChoice(parts, [])] };
  const packages = listBuiltPackages(parts, build.cargo);
  const bins = packages.flatMap((found) => found.bins);
  const chosen =
    build.cargo.bin ?? packages.find(({ defaultRun }) => defaultRun !== null)?.defaultRun ?? null;
  if (chosen !== null && bins.includes(chosen)) return { start: planPath(build, chosen), problems: [] };
  if (build.cargo.bin !== null) return { start: null, problems: [unknownBin(parts, build.cargo.bin, bins)] };
  // A package that does not exist has been reported where it is named.
  if (build.cargo.package !== null && packages.length === 0) return none;
  const [bin, ...others] = bins;
  if (bin !== undefined && others.length === 0) return { start: planPath(build, bin), problems: [] };
  return { start: null, problems: [noChoice(parts, bins)] };
}

/** Where cargo puts a binary, from the app's folder. */
function planPath({ hook, cargo }: BuildConfig, bin: string): string {
  const profile = hook === null ? cargo.profile : (profileOfHook(hook) ?? cargo.profile);
  const triple = cargo.target === null ? "" : `${cargo.target.replace(/^.*\//, "").replace(/\.json$/, "")}/`;
  return `./target/${triple}${folderOfProfile(profile)}/${bin}`;
}

function folderOfProfile(profile: string): string {
  if (profile === "dev" || profile === "test") return "debug";
  return profile === "bench" ? "release" : profile;
}

/** The profile a build script asks cargo for; null when it does not call cargo plainly. */
function profileOfHook(hook: string): string | null {
  if (!/\bcargo\b.*\b(?:build|b)\b/.test(hook)) return null;
  const named = /--profile[ =]([A-Za-z0-9_-]+)/.exec(hook)?.[1];
  return named ?? (/\s(?:--release|-r)\b/.test(hook) ? "release" : "dev");
}

/** `./target/debug/app` with a release build is the usual reason for "not found" at the start. */
function checkProfile({ toml, yaml }: ProjectParts, { hook, cargo }: BuildConfig, start: string): Problem[] {
  const named = /^\s*(?:exec\s+)?(?:\.\/|\/app\/)?target\/(debug|release)\//.exec(start)?.[1];
  const built = folderOfProfile(cargo.profile);
  if (named === undefined || hook !== null || cargo.target !== null || named === built) return [];
  const message = `the command starts from target/${named}, and without a build script the build fills target/${built}; write target/${built} here`;
  const isToml = toml.data.run?.command !== undefined;
  return [
    isToml
      ? manifestProblem(toml, "warning", ["run", "command"], message)
      : manifestProblem(yaml, "warning", ["web", "commands", "start"], message),
  ];
}

function unknownBin({ toml }: ProjectParts, wanted: string, bins: readonly string[]): Problem {
  const near = suggestNear(wanted, bins);
  const advice =
    near === undefined
      ? `write one of ${bins.join(", ") || "those in Cargo.toml"}`
      : `did you mean "${near}"?`;
  return manifestProblem(toml, "error", ["build", "bin"], `Cargo.toml has no binary "${wanted}"; ${advice}`);
}

function noChoice({ cargo, yaml, toml }: ProjectParts, bins: readonly string[]): Problem {
  const file = cargo.exists ? cargo.file : yaml.exists ? yaml.file : toml.file;
  const write = yaml.exists ? "write web.commands.start" : "write `command` below [run] in bloom.toml";
  if (bins.length === 0) {
    const lacks = cargo.exists ? "no binary in Cargo.toml" : "no Cargo.toml";
    return fileProblem(file, `there is no start command and ${lacks}; ${write}`);
  }
  const message = `there are several binaries (${bins.join(", ")}) and nothing says which one to start; ${write}, or \`bin = "${bins[0] ?? ""}"\` below [build] in bloom.toml`;
  return fileProblem(file, message);
}

import { manifestDefaults, type BuildConfig, type CargoConfig, type Problem } from "@bloomery/contract";
import type { CargoPackage } from "./cargo-project.js";
import { isBroken, manifestProblem } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";
import { resolveCaches } from "./resolve-caches.js";
import { suggestNear } from "./suggest-near.js";

/** The build, and whether anything is wrong with it. */
export interface ResolvedBuild {
  readonly build: BuildConfig;
  readonly problems: readonly Problem[];
}

/** The shell's command that does nothing. */
const nothingToBuild = ":";

/** `hook` runs in place of plain cargo. */
export function resolveBuild(parts: ProjectParts, hook: string | null): ResolvedBuild {
  const cargo = resolveCargo(parts);
  const { caches, problems: cacheProblems } = resolveCaches(parts);
  const timeoutSeconds = parts.toml.data.build?.timeout_seconds ?? null;
  const problems = [...checkPackage(parts, cargo), ...cacheProblems];
  return { build: { hook, cargo, caches, timeoutSeconds }, problems };
}

/** `[build] command`, else `hooks.build`; null for plain cargo. */
export function resolveHook({ toml, yaml }: ProjectParts): string | null {
  const hook = toml.data.build?.command ?? yaml.data.hooks?.build;
  return hook === undefined || hook.trim() === "" ? null : hook;
}

/** What takes the place of a build script where there is nothing for cargo to build either. */
export function planNoCargo(parts: ProjectParts): string | null {
  return lacksCargo(parts) ? nothingToBuild : null;
}

/** Says that a web app has nothing to build. */
export function checkCargo(parts: ProjectParts): Problem[] {
  const { toml, yaml } = parts;
  if (resolveHook(parts) !== null || !lacksCargo(parts)) return [];
  // Without a start command there is an error, and this would only distract from it.
  const starts = toml.data.run?.command ?? yaml.data.web?.commands?.start;
  if (starts === undefined) return [];
  const message =
    "there is no Cargo.toml and no build script, so nothing is built and the start command runs on the source as it is";
  return [manifestProblem(yaml.exists ? yaml : toml, "warning", [], message)];
}

/** The packages whose binaries `cargo build` makes with this configuration. */
export function listBuiltPackages({ cargo }: ProjectParts, config: CargoConfig): readonly CargoPackage[] {
  const all = cargo.root === null ? cargo.members : [cargo.root, ...cargo.members];
  if (config.package !== null) return all.filter(({ name }) => name === config.package);
  return cargo.root === null ? cargo.members : [cargo.root];
}

function resolveCargo({ toml }: ProjectParts): CargoConfig {
  const build = toml.data.build ?? {};
  return {
    profile: build.profile ?? manifestDefaults.profile,
    features: build.features ?? [],
    package: build.package ?? null,
    bin: build.bin ?? null,
    target: build.target ?? null,
  };
}

/** No Cargo.toml at all, and nothing wrong that would explain it. */
function lacksCargo({ cargo, toml, yaml }: ProjectParts): boolean {
  const isUnclear = isBroken(yaml, ["hooks", "build"]) || isBroken(toml, ["build", "command"]);
  return !cargo.exists && !cargo.isBroken && !isUnclear;
}

function checkPackage(parts: ProjectParts, config: CargoConfig): Problem[] {
  const { cargo, toml } = parts;
  const wanted = config.package;
  if (wanted === null || !cargo.exists || cargo.isBroken || listBuiltPackages(parts, config).length > 0)
    return [];
  const names = [cargo.root, ...cargo.members].flatMap((found) => (found === null ? [] : [found.name]));
  const near = suggestNear(wanted, names);
  const advice =
    near === undefined
      ? `write one of ${names.join(", ") || "those in Cargo.toml"}`
      : `did you mean "${near}"?`;
  const message = `Cargo.toml has no package "${wanted}"; ${advice}`;
  return [manifestProblem(toml, "error", ["build", "package"], message)];
}

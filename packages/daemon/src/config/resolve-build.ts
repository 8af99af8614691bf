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

/** `[build] command`, else `hooks.build`, else plain cargo. */
export function resolveBuild(parts: ProjectParts): ResolvedBuild {
  const cargo = resolveCargo(parts);
  const { caches, problems: cacheProblems } = resolveCaches(parts);
  const timeoutSeconds = parts.toml.data.build?.timeout_seconds ?? null;
  const problems = [...checkPackage(parts, cargo), ...cacheProblems];
  const hook = resolveHook(parts);
  const rest = { cargo, caches, timeoutSeconds };
  if (hook !== null || !lacksCargo(parts)) return { build: { hook, ...rest }, problems };
  // Without a start command there is an error, and this would only distract from it.
  const starts = parts.toml.data.run?.command ?? parts.yaml.data.web?.commands?.start;
  if (starts === undefined) return { build: { hook: nothingToBuild, ...rest }, problems };
  const remark = manifestProblem(
    parts.yaml.exists ? parts.yaml : parts.toml,
    "warning",
    [],
    "there is no Cargo.toml and no build script, so nothing is built and the start command runs on the source as it is",
  );
  return { build: { hook: nothingToBuild, ...rest }, problems: [...problems, remark] };
}

/** The packages whose binaries `cargo build` makes with this configuration. */
export function listBuiltPackages({ cargo }: ProjectParts, config: CargoConfig): readonly CargoPackage[] {
  const all = cargo.root === null ? cargo.members : [cargo.root, ...cargo.members];
  if (config.package !== null) return all.filter(({ name }) => name === config.package);
  return cargo.root === null ? cargo.members : [cargo.root];
}

function resolveHook({ toml, yaml }: ProjectParts): string | null {
  const hook = toml.data.build?.command ?? yaml.data.hooks?.build;
  return hook === undefined || hook.trim() === "" ? null : hook;
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

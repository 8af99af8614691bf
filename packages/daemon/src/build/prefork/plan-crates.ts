import { asTable, parseTable, type TomlTable } from "../toml-table.js";
import { acceptsVersion } from "../function/accepts-version.js";
import {
  describeWish,
  featuresOf,
  listDependencies,
  type WrittenDependency,
} from "../function/dependency-tables.js";
import { editManifest, type ManifestEdit } from "../function/edit-manifest.js";
import { planLockfile, type LockedSdk } from "../function/plan-lockfile.js";
import type { BundledSdk } from "../function/plan-dependencies.js";
import type { CodeProblem } from "../function/code-problems.js";
import { parseToml } from "../../config/parse-toml.js";

/** A project that cargo builds, readable like its folder. */
export interface CrateSources {
  list(): readonly string[];
  read(path: string): string | undefined;
}

export interface CratesPlan {
  /** Path → text; replaces what is there. Empty: the project is built as it is. */
  readonly files: ReadonlyMap<string, string>;
  /** Whether the platform's crates are among its dependencies. */
  readonly usesSdk: boolean;
  /** False: cargo has to complete Cargo.lock first, so it cannot be called with `--locked`. */
  readonly isLockComplete: boolean;
  /** What was changed, one sentence each. */
  readonly notes: readonly string[];
  /** What must be written otherwise. */
  readonly problems: readonly CodeProblem[];
}

/** The crate's name in Cargo.toml. */
const crateName = "prefork";

const locked: LockedSdk = {
  crates: [crateName, "prefork-macros"],
  isPlain: ([only, ...others]) =>
    others.length === 0 && only?.key === crateName && Object.keys(only.table).join(",") === "path",
};

/**
 * What is laid over a project before cargo builds it: whatever it says of `prefork` becomes the platform's crate, which
 * is on no registry, and libraries that would look for Rust's own at run time become such as hold it.
 */
export function planCrates(
  sources: CrateSources,
  sdk: BundledSdk & { readonly lockfile: string | null },
): CratesPlan {
  const plans = sources
    .list()
    .filter((path) => path === "Cargo.toml" || path.endsWith("/Cargo.toml"))
    .map((path) => planManifest(path, sources.read(path) ?? "", sdk));
  const files = new Map(plans.flatMap(({ path, text }) => (text === null ? [] : [[path, text] as const])));
  const usesSdk = plans.some((plan) => plan.usesSdk);
  const problems = plans.flatMap((plan) => plan.problems);
  const notes = plans.flatMap((plan) => plan.notes);
  if (!usesSdk || problems.length > 0) return { files, usesSdk, isLockComplete: true, notes, problems };
  const lock = planLock(sources, files, sdk.lockfile);
  if (lock.text !== null) files.set("Cargo.lock", lock.text);
  return { files, usesSdk, isLockComplete: lock.isComplete, notes, problems };
}

interface ManifestPlan {
  readonly path: string;
  /** Null: it stays as it is. */
  readonly text: string | null;
  readonly usesSdk: boolean;
  readonly notes: readonly string[];
  readonly problems: readonly CodeProblem[];
}

function planManifest(path: string, text: string, sdk: BundledSdk): ManifestPlan {
  const { source } = parseToml(path, text);
  // Whether it matters, cargo will say: it may be a test's.
  if (source === null) return { path, text: null, usesSdk: false, notes: [], problems: [] };
  const manifest = asTable(source.value);
  // A wish that a workspace fulfils stays: the workspace's own is replaced.
  const found = listDependencies(manifest).filter(
    ({ crate, table }) => crate === crateName && table["workspace"] !== true,
  );
  const problems = found.flatMap((one): CodeProblem[] => {
    const message = refuse(one, sdk);
    return message === null ? [] : [{ file: path, ...placeOf(source.places.find(one.path, "key")), message }];
  });
  const dynamic = planCrateTypes(manifest);
  const edits = [...found.map((one) => replace(one, sdk)), ...dynamic.edits];
  const notes = found.map(
    (one) => `${path}: took prefork ${sdk.version} (the platform's) for ${describeWish(one)}`,
  );
  return {
    path,
    text: edits.length === 0 ? null : editManifest(text, edits),
    usesSdk: found.length > 0,
    notes: [...notes, ...dynamic.notes.map((note) => `${path}: ${note}`)],
    problems,
  };
}

const placeOf = ({ line, column }: { line: number; column: number }) => ({ line, column });

function refuse({ table }: WrittenDependency, sdk: BundledSdk): string | null {
  const { version } = table;
  const isPlaced = table["path"] !== undefined || table["git"] !== undefined;
  if (typeof version !== "string" || isPlaced || acceptsVersion(version, sdk.version)) return null;
  return `prefork "${version}" is asked for and this platform brings ${sdk.version}; write prefork = "${sdk.version}"`;
}

function replace({ path, key, crate, table }: WrittenDependency, sdk: BundledSdk): ManifestEdit {
  const features = featuresOf(table);
  return {
    path,
    value: {
      path: sdk.path,
      ...(key === crate ? {} : { package: crate }),
      ...(features.length === 0 ? {} : { features }),
      ...(table["optional"] === true ? { optional: true } : {}),
    },
  };
}

/**
 * Of `dylib` cargo makes a library that needs Rust's own beside it, which no app has. A `cdylib` exports the same
 * function and needs nothing.
 */
function planCrateTypes(manifest: TomlTable): {
  readonly edits: readonly ManifestEdit[];
  readonly notes: readonly string[];
} {
  const lib = asTable(manifest["lib"]);
  const key = lib["crate-type"] === undefined ? "crate_type" : "crate-type";
  const types = lib[key];
  if (!Array.isArray(types) || !types.includes("dylib")) return { edits: [], notes: [] };
  const others = types.filter((type): type is string => typeof type === "string" && type !== "dylib");
  // Another package of the project may be made with it.
  const linkable = others.some((type) => type === "lib" || type === "rlib") ? [] : ["rlib"];
  const value = [...new Set(["cdylib", ...others, ...linkable])];
  return {
    edits: [{ path: ["lib", key], value }],
    notes: ['built as "cdylib" instead of "dylib", so that the library needs none of Rust\'s own beside it'],
  };
}

/** The lockfile of the project as it will be built. */
function planLock(sources: CrateSources, files: ReadonlyMap<string, string>, bundled: string | null) {
  const manifest = parseTable(files.get("Cargo.toml") ?? sources.read("Cargo.toml") ?? "") ?? {};
  const { name, version } = asTable(manifest["package"]);
  const own = sources.read("Cargo.lock") ?? null;
  // Of a workspace without a lockfile nothing is known.
  if (own === null && typeof name !== "string") return { text: null, isComplete: false };
  return planLockfile({
    own,
    bundled,
    crate: {
      name: typeof name === "string" ? name : "",
      version: typeof version === "string" ? version : "0.0.0",
    },
    manifest,
    sdk: locked,
  });
}

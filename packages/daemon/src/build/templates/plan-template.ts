import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { AppConfig } from "@bloomery/contract";
import type { SdkMount } from "../plan-build-sandbox.js";
import { planFetch } from "../plan-fetch.js";
import type { SourceTree } from "../source-store.js";
import { asTable, parseTable, type TomlTable } from "../toml-table.js";
import { pickCompilerVariables } from "./compiler-variables.js";
import { cargoBuildOf, parseCargoBuild, type CargoBuild } from "./parse-cargo-build.js";
import { parseLockfile, type LockedPackage } from "./parse-lockfile.js";
import { planStubs } from "./plan-stubs.js";

/** What equal dependencies must have in common besides their own text. */
export interface TemplateFlavor {
  /** `rustc`'s version. */
  readonly toolchain: string;
  readonly profile: string;
  readonly target: string | null;
  readonly variables: readonly (readonly [string, string])[];
}

/** The dependencies of one app, ready to be compiled without any of its code. */
export interface TemplatePlan {
  readonly key: string;
  readonly flavor: TemplateFlavor;
  /** `name version checksum` of every package from the registry, sorted. */
  readonly packages: readonly string[];
  readonly cargo: CargoBuild;
  /** Path → text: manifests, the lockfile and sources without content. */
  readonly files: ReadonlyMap<string, string>;
  /** True: no other template will do, however much of this one it has. */
  readonly isExact?: boolean;
  /** What the dependencies themselves are built with. */
  readonly sdk?: SdkMount;
}

/** Fewer dependencies than this are compiled sooner than a template is made. */
const minPackages = 3;

const registries = new Set([
  "registry+https://github.com/rust-lang/crates.io-index",
  "sparse+https://index.crates.io/",
]);

/**
 * The template that would serve this build; a text that says why there can be none. Only crates of the public
 * registry with a checksum are shared: they are the same for everybody, whoever downloads them.
 */
export function planTemplate(
  tree: SourceTree,
  config: AppConfig,
  toolchain: string,
  variables: Readonly<Record<string, string>>,
): TemplatePlan | string {
  const { hook, cargo: settings } = config.build;
  const cargo = hook === null ? cargoBuildOf(settings) : parseCargoBuild(hook);
  if (cargo === null) return "the build hook does not begin with an ordinary cargo build";
  const compiler = pickCompilerVariables(variables);
  if (compiler.forbidding !== null) return `${compiler.forbidding} is set`;
  const paths = tree.list();
  if (paths.some((path) => path === "target" || path.startsWith("target/"))) return "the source has a target";

  const fetch = planFetch(tree);
  const lock = fetch.hasLockfile ? parseLockfile(tree.read("Cargo.lock") ?? "") : null;
  if (lock === null) return "there is no lockfile";
  const packages = listShared(lock);
  if (packages === null) return "not every dependency is a crate of the public registry";
  if (packages.length < minPackages) return "there are hardly any dependencies";

  const files = new Map<string, string>();
  const manifests = new Map<string, TomlTable>();
  for (const { path } of fetch.manifests) {
    const text = tree.read(path);
    const table = text === undefined ? null : parseTable(text);
    if (text === undefined || table === null) return `${path} cannot be read`;
    files.set(path, text);
    if (posix.basename(path) === "Cargo.toml") manifests.set(path, table);
  }
  const root = manifests.get("Cargo.toml");
  if (root === undefined) return "there is no Cargo.toml";
  if (root["patch"] !== undefined || root["replace"] !== undefined) return "crates are replaced";
  const present = new Set(paths);
  for (const [path, table] of manifests) {
    for (const [stub, text] of planStubs(path, table, present)) if (!files.has(stub)) files.set(stub, text);
  }

  const flavor = { toolchain, profile: cargo.profile, target: cargo.target, variables: compiler.variables };
  return { key: keyOf({ flavor, packages, cargo, manifests }), flavor, packages, cargo, files };
}

/** Null when something comes from elsewhere, or when a package of the project has a crate's name. */
function listShared(lock: readonly LockedPackage[]): readonly string[] | null {
  const own = new Set(lock.filter((one) => one.source === null).map((one) => one.name));
  const shared: string[] = [];
  for (const { name, version, source, checksum } of lock) {
    if (source === null) continue;
    if (!registries.has(source) || checksum === null || own.has(name)) return null;
    shared.push(`${name} ${version} ${checksum}`);
  }
  return shared.sort();
}

/** What is asked of the dependencies, features among it: others would be compiled into other units. */
function keyOf(parts: {
  readonly flavor: TemplateFlavor;
  readonly packages: readonly string[];
  readonly cargo: CargoBuild;
  readonly manifests: ReadonlyMap<string, TomlTable>;
}): string {
  const { flavor, packages, cargo, manifests } = parts;
  const wishes = [...manifests]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, manifest]) => [path, pickWishes(manifest)]);
  const text = JSON.stringify([1, flavor, packages, cargo.selection, wishes]);
  return createHash("sha256").update(text).digest("hex");
}

/** The tables of a manifest that decide how dependencies are compiled; names and versions are the app's own. */
function pickWishes(manifest: TomlTable): unknown {
  const workspace = asTable(manifest["workspace"]);
  const tables = ["dependencies", "build-dependencies", "target", "features", "profile"];
  return [
    ...tables.map((name) => manifest[name] ?? null),
    workspace["dependencies"] ?? null,
    workspace["resolver"] ?? null,
    asTable(manifest["package"])["resolver"] ?? null,
    asTable(manifest["package"])["edition"] ?? null,
  ];
}

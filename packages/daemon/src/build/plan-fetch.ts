import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { SourceEntry } from "@bloomery/contract";
import { parse } from "smol-toml";
import type { SourceTree } from "./source-store.js";

/** What the fetch folder is made of: enough for cargo to resolve, and no code of the project. */
export interface FetchPlan {
  /** Copied as they are. */
  readonly manifests: readonly (SourceEntry & { kind: "file" })[];
  /** Made as empty files, because cargo wants a manifest's targets to exist. */
  readonly stubs: readonly string[];
  readonly hasLockfile: boolean;
  readonly needsFetch: boolean;
  /** Same key, same dependencies: nothing has to be fetched again. */
  readonly key: string;
}

type Table = Readonly<Record<string, unknown>>;

const dependencyTables = ["dependencies", "dev-dependencies", "build-dependencies"] as const;

/**
 * Looks at a tree's manifests. Cargo's own configuration (`.cargo/`) never takes part in fetching: it may name
 * programs that cargo would run, and this step has network. Manifests that do not parse count as having
 * dependencies; cargo will say what is wrong with them.
 */
export function planFetch(tree: SourceTree): FetchPlan {
  const entries = tree.entries.filter((entry) => !entry.path.split("/").includes(".cargo"));
  const manifests = entries.filter(
    (entry): entry is SourceEntry & { kind: "file" } =>
      entry.kind === "file" && ["Cargo.toml", "Cargo.lock"].includes(posix.basename(entry.path)),
  );
  const lock = manifests.find((entry) => entry.path === "Cargo.lock");
  const texts = manifests
    .filter((entry) => entry.path.endsWith(".toml"))
    .map((entry) => ({
      folder: posix.dirname(entry.path),
      manifest: parseTable(tree.read(entry.path)),
    }));
  const stubs = new Set(entries.filter((entry) => entry.path.endsWith(".rs")).map((entry) => entry.path));
  for (const { folder, manifest } of texts) {
    for (const path of targetPaths(manifest)) stubs.add(posix.join(folder, path));
  }
  for (const entry of manifests) stubs.delete(entry.path);
  const known = new Set(entries.map((entry) => entry.path));
  return {
    manifests,
    // A declared path that the source does not have is for cargo to complain about.
    stubs: [...stubs].filter((path) => known.has(path)).sort(),
    hasLockfile: lock !== undefined,
    needsFetch: needsFetch(
      tree,
      lock !== undefined,
      texts.map((one) => one.manifest),
    ),
    key: keyOf(manifests),
  };
}

function needsFetch(tree: SourceTree, hasLockfile: boolean, manifests: readonly (Table | null)[]): boolean {
  if (manifests.length === 0 || isVendored(tree)) return false;
  if (hasLockfile) return /^source = "(?:registry|sparse|git)\+/m.test(tree.read("Cargo.lock") ?? "");
  return manifests.some((manifest) => manifest === null || hasRemoteDependency(manifest));
}

/** True when the project's own cargo configuration replaces crates.io by a folder of the project. */
function isVendored(tree: SourceTree): boolean {
  const config = parseTable(tree.read(".cargo/config.toml") ?? tree.read(".cargo/config"));
  const sources = asTable(config?.["source"]);
  const replacement = asTable(sources["crates-io"])["replace-with"];
  return typeof replacement === "string" && typeof asTable(sources[replacement])["directory"] === "string";
}

function hasRemoteDependency(manifest: Table): boolean {
  const owners = [
    manifest,
    asTable(manifest["workspace"]),
    ...Object.values(asTable(manifest["target"])).map(asTable),
  ];
  const tables = owners.flatMap((owner) => dependencyTables.map((name) => asTable(owner[name])));
  const patches = Object.values(asTable(manifest["patch"])).map(asTable);
  return [...tables, ...patches].flatMap((table) => Object.values(table)).some(isRemote);
}

function isRemote(dependency: unknown): boolean {
  if (typeof dependency === "string") return true;
  const table = asTable(dependency);
  // `workspace = true` is decided where the workspace declares it.
  return table["path"] === undefined && table["workspace"] !== true;
}

function targetPaths(manifest: Table | null): string[] {
  if (manifest === null) return [];
  const lists = ["bin", "example", "test", "bench"].flatMap((name) => {
    const list = manifest[name];
    return Array.isArray(list) ? list.map(asTable) : [];
  });
  const paths = [asTable(manifest["lib"]), ...lists].map((target) => target["path"]);
  return [...paths, asTable(manifest["package"])["build"]].filter((path) => typeof path === "string");
}

function keyOf(manifests: readonly (SourceEntry & { kind: "file" })[]): string {
  const hash = createHash("sha256");
  for (const entry of [...manifests].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(`${JSON.stringify(entry.path)} ${entry.sha256}\n`);
  }
  return hash.digest("hex");
}

function parseTable(text: string | undefined): Table | null {
  if (text === undefined) return null;
  try {
    return parse(text);
  } catch {
    return null;
  }
}

function asTable(value: unknown): Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {};
}

import { asTable, type TomlTable } from "../toml-table.js";

/** One dependency as a manifest writes it. */
export interface WrittenDependency {
  /** Of the pair in the manifest, such as `target.cfg(unix).dependencies.libc`. */
  readonly path: readonly string[];
  /** The name in the code. */
  readonly key: string;
  /** The name in the registry. */
  readonly crate: string;
  /** The whole wish; a bare version is a table with nothing else. */
  readonly table: TomlTable;
  /** The package itself has it, rather than its tests, its build script or its workspace. */
  readonly isOwn: boolean;
}

const kinds = [
  "dependencies",
  "dev-dependencies",
  "dev_dependencies",
  "build-dependencies",
  "build_dependencies",
];

/** Every dependency of a manifest, wherever it stands. */
export function listDependencies(manifest: TomlTable): WrittenDependency[] {
  const owners: (readonly [readonly string[], TomlTable])[] = [[[], manifest]];
  for (const [name, table] of Object.entries(asTable(manifest["target"]))) {
    owners.push([["target", name], asTable(table)]);
  }
  const own = owners.flatMap(([path, owner]) => kinds.flatMap((kind) => listTable(owner, path, kind)));
  return [...own, ...listTable(asTable(manifest["workspace"]), ["workspace"], "dependencies")];
}

function listTable(owner: TomlTable, path: readonly string[], kind: string): WrittenDependency[] {
  return Object.entries(asTable(owner[kind])).map(([key, wish]) => {
    const table = typeof wish === "string" ? { version: wish } : asTable(wish);
    const crate = typeof table["package"] === "string" ? table["package"] : key;
    const isOwn = kind === "dependencies" && path[0] !== "workspace";
    return { path: [...path, kind, key], key, crate, table, isOwn };
  });
}

/** How a wish reads in a message: `"1"`, `{ workspace = true }`, `path ../sdk`. */
export function describeWish({ table }: WrittenDependency): string {
  for (const kind of ["path", "git"]) if (typeof table[kind] === "string") return `${kind} ${table[kind]}`;
  if (table["workspace"] === true) return "{ workspace = true }";
  return typeof table["version"] === "string" ? `"${table["version"]}"` : "no version";
}

/** The features that a wish names. */
export function featuresOf(table: TomlTable): string[] {
  const list = table["features"];
  return Array.isArray(list) ? list.filter((feature) => typeof feature === "string") : [];
}

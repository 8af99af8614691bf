import { posix } from "node:path";
import { listBinTargets } from "../../config/cargo-bins.js";
import { asTable, type TomlTable } from "../toml-table.js";

/** A crate's root as cargo would find it. */
export interface CrateTarget {
  readonly kind: "lib" | "bin";
  /** What cargo calls it; for a library the name that others import. */
  readonly name: string;
  readonly path: string;
}

/** Every library and binary of the package that a function could be, the library first. */
export function planTargets(
  manifest: TomlTable,
  packageName: string,
  paths: readonly string[],
): CrateTarget[] {
  const lib = findLib(manifest, packageName, paths);
  const bins = listBinTargets(manifest, packageName, paths, "").map(({ name, path }) => ({
    kind: "bin" as const,
    name,
    path: path === null ? inferPath(name, packageName, paths) : posix.normalize(path),
  }));
  return [...(lib === null ? [] : [lib]), ...bins];
}

function findLib(manifest: TomlTable, packageName: string, paths: readonly string[]): CrateTarget | null {
  const lib = asTable(manifest["lib"]);
  const isWritten = manifest["lib"] !== undefined;
  const isAuto = asTable(manifest["package"])["autolib"] !== false;
  if (!isWritten && !(isAuto && paths.includes("src/lib.rs"))) return null;
  const path = typeof lib["path"] === "string" ? posix.normalize(lib["path"]) : "src/lib.rs";
  const name = typeof lib["name"] === "string" ? lib["name"] : packageName;
  return { kind: "lib", name: name.replaceAll("-", "_"), path };
}

/** Where cargo looks for a `[[bin]]` without a path. */
function inferPath(name: string, packageName: string, paths: readonly string[]): string {
  const places = [`src/bin/${name}.rs`, `src/bin/${name}/main.rs`];
  if (name === packageName) places.unshift("src/main.rs");
  return places.find((place) => paths.includes(place)) ?? places[0] ?? "";
}

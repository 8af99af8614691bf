import { posix } from "node:path";
import type { TomlTable } from "../toml-table.js";
import { asTable } from "../toml-table.js";

/** Lints may be errors in a project, also the one that wants documentation. */
const head = "//! A stand-in.\n#![allow(warnings, missing_docs, unused_crate_dependencies)]\n";
const library = head;
const program = `${head}fn main() {}\n`;

/**
 * Sources without content for every target of one manifest, so that cargo compiles its dependencies and finds
 * nothing of the project. `present` are the paths of the real source; what is not there is not made up.
 */
export function planStubs(
  manifestPath: string,
  manifest: TomlTable,
  present: ReadonlySet<string>,
): Map<string, string> {
  const folder = posix.dirname(manifestPath);
  const stubs = new Map<string, string>();
  const add = (path: unknown, text: string): void => {
    if (typeof path !== "string") return;
    const full = posix.join(folder, path);
    if (present.has(full)) stubs.set(full, text);
  };
  add("src/main.rs", program);
  for (const place of ["src/bin", "examples", "tests", "benches"]) {
    const start = `${posix.join(folder, place)}/`;
    for (const path of present) {
      if (!path.startsWith(start) || !path.endsWith(".rs")) continue;
      const below = path.slice(start.length);
      if (!below.includes("/") || /^[^/]+\/main\.rs$/.test(below)) stubs.set(path, program);
    }
  }
  for (const kind of ["bin", "example", "test", "bench"]) {
    const list = manifest[kind];
    for (const target of Array.isArray(list) ? list.map(asTable) : []) add(target["path"], program);
  }
  const build = asTable(manifest["package"])["build"];
  add(typeof build === "string" ? build : "build.rs", program);
  // Last: a file that is both is a library to whoever depends on it.
  add("src/lib.rs", library);
  add(asTable(manifest["lib"])["path"], library);
  return stubs;
}

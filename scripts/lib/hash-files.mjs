import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "./paths.mjs";

/** Folders that hold results, never sources. */
const skipped = new Set(["node_modules", "target", "dist", ".git"]);

/**
 * One hash over the names and contents of files and folders of the checkout. A path that does not exist
 * counts as absent, so that adding it changes the hash. `extra` mixes in other facts, such as a version.
 */
export function hashFiles(paths, extra = "") {
  const hash = createHash("sha256").update(extra);
  for (const path of paths) {
    for (const file of listFiles(join(root, path))) {
      hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
    }
  }
  return hash.digest("hex");
}

/** Files below `path` in a fixed order; the path itself when it is a file; nothing when it is absent. */
function listFiles(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (!stat.isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => !skipped.has(entry.name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? listFiles(join(path, entry.name)) : [join(path, entry.name)]));
}

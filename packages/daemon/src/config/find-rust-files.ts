import type { AppFolder } from "./app-folder.js";

/** Nobody keeps more libraries of one file each in a folder. */
const mostFiles = 300;

/** The attribute by which a file says that it becomes a library of its own. */
const attribute = /^[ \t]*#!\[\s*crate_type\s*=\s*"c?dylib"\s*\]/m;

/** Files that rustc alone makes a shared library of. */
export function findRustFiles(files: AppFolder): readonly string[] {
  const paths = files.list().filter((path) => path.endsWith(".rs"));
  return paths.slice(0, mostFiles).filter((path) => attribute.test(files.read(path) ?? ""));
}

/** Libraries that lie there ready. */
export function findLibraries(files: AppFolder): readonly string[] {
  return files.list().filter((path) => path.endsWith(".so"));
}

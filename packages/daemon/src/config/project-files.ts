import { closeSync, openSync, readdirSync, readSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";

/** No project file that is read here may be larger, in bytes. */
export const maxFileBytes = 1024 * 1024;

/** Folders that hold no source; big, and never read. */
export const ignoredFolders: ReadonlySet<string> = new Set([".git", "target", "node_modules"]);

/**
 * A project's tree, wherever it is. `list` gives the paths of all files, relative, with `/`. `read` gives a file's
 * text (U+FFFD for bytes that are not UTF-8), undefined when there is no such file. Of a file over `maxFileBytes`
 * a longer beginning than that is enough.
 */
export interface ProjectFiles {
  list(): readonly string[];
  read(path: string): string | undefined;
  /** The same file as it is. Where this is missing, files that are not text cannot be included. */
  readBytes?(path: string): Uint8Array | undefined;
}

/** A folder as a project tree. Reads on demand; links out of the folder count as missing. */
export function openProjectFolder(folder: string): ProjectFiles {
  let paths: readonly string[] | undefined;
  return {
    list: () => (paths ??= listFiles(folder, "")),
    read: (path) => readInside(folder, path)?.toString("utf8"),
    readBytes: (path) => readInside(folder, path),
  };
}

function listFiles(root: string, below: string): string[] {
  const found: string[] = [];
  for (const entry of readFolder(join(root, below))) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!ignoredFolders.has(entry.name)) found.push(...listFiles(root, path));
    } else if (entry.isFile() || (entry.isSymbolicLink() && isFileInside(root, path))) {
      found.push(path);
    }
  }
  return found.sort();
}

/** A folder the user may not look into has no files as far as we are concerned. */
function readFolder(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function isFileInside(root: string, path: string): boolean {
  return resolveInside(root, path) !== undefined;
}

/** The real path of a regular file below root; undefined for anything else. */
function resolveInside(root: string, path: string): string | undefined {
  if (path === "" || isAbsolute(path) || path.includes("\0")) return undefined;
  try {
    const realRoot = realpathSync(root);
    const real = realpathSync(join(root, path));
    const way = relative(realRoot, real);
    const leaves = way === "" || way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way);
    // A pipe or a device would make the read wait for ever.
    return leaves || !statSync(real).isFile() ? undefined : real;
  } catch {
    return undefined;
  }
}

function readInside(root: string, path: string): Buffer | undefined {
  const real = resolveInside(root, path);
  if (real === undefined) return undefined;
  try {
    const file = openSync(real, "r");
    try {
      return readBeginning(file, maxFileBytes + 1);
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

function readBeginning(file: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  let length = 0;
  while (length < bytes) {
    const count = readSync(file, buffer, length, bytes - length, null);
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}

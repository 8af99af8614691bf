import { lstat, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { listNames } from "./find-entries.js";

/**
 * What the file system said about an artifact when its content was last known to be right: one line for each entry,
 * with type, mode, size and time of change. Comparing it costs a look at each file, not the reading of it.
 */
export async function describeEntries(root: string): Promise<string> {
  const lines: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const name of (await listNames(join(root, folder))).names.sort()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const found = await lstat(join(root, path), { bigint: true });
      const isFolder = found.isDirectory();
      // A folder's size and times are the file system's own business.
      const more = isFolder ? [] : [found.size, found.mtimeNs];
      lines.push([JSON.stringify(path), found.mode.toString(8), ...more].join(" "));
      if (isFolder) await visit(path);
    }
  };
  await visit("");
  return `${lines.join("\n")}\n`;
}

/** Null when there is none yet: the artifact is an older daemon's. Its time says when it was last wanted. */
export async function readIndex(file: string): Promise<string | null> {
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) return null;
  const now = new Date();
  await utimes(file, now, now).catch(() => undefined);
  return text;
}

export async function writeIndex(file: string, text: string): Promise<void> {
  const temp = `${file}.new`;
  try {
    await writeFile(temp, text, { mode: 0o600 });
    await rename(temp, file);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
}

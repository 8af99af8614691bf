import { constants, type BigIntStats } from "node:fs";
import { chmod, lstat, open, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { BuildUser } from "./build-user.js";
import type { FoundEntry } from "./plan-lay.js";

export const folderMode = 0o755;

/** Short of the kernel's 4096 by the longest name and a little more. */
const maxPathBytes = 3500;

const cacheSignature = "Signature: 8a477f597d28d172789f06886806bc55";

export interface FoundTree {
  readonly entries: readonly FoundEntry[];
  /** Names that are not UTF-8 and so cannot be part of any source; relative to the work folder. */
  readonly unnamable: readonly Buffer[];
}

/**
 * Looks at everything in a work folder that an untrusted build owned, never following a link. Below folders
 * marked as caches only the entries in `wanted` (paths of files and folders) are looked at.
 */
export async function findEntries(
  workDir: string,
  wanted: ReadonlySet<string>,
  user: BuildUser | null,
): Promise<FoundTree> {
  const entries: FoundEntry[] = [];
  const unnamable: Buffer[] = [];

  const visit = async (folder: string, isCache: boolean): Promise<void> => {
    const { names, odd } = await listNames(join(workDir, folder));
    for (const name of odd)
      unnamable.push(Buffer.concat([Buffer.from(folder === "" ? "" : `${folder}/`), name]));
    for (const name of names.sort()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (isCache && !wanted.has(path)) continue;
      const stat = await lstat(join(workDir, path), { bigint: true });
      if (stat.isDirectory() && user === null) await openFolder(join(workDir, path), stat);
      const cache = stat.isDirectory() && (isCache || (await isCargoCache(join(workDir, path))));
      entries.push({
        path,
        kind: kindOf(stat),
        stamp: stampOf(stat),
        target: stat.isSymbolicLink() ? await readlink(join(workDir, path)) : null,
        cache,
        odd: stat.isDirectory() && isOdd(stat, user),
      });
      // No source reaches this deep: what is below goes with the folder.
      if (stat.isDirectory() && Buffer.byteLength(join(workDir, path)) < maxPathBytes)
        await visit(path, cache);
    }
  };
  await visit("", false);
  return { entries, unnamable };
}

/** How the file system describes a file; equal stamps mean that nobody touched it in between. */
export function stampOf(stat: BigIntStats): string {
  return [stat.mode.toString(8), stat.uid, stat.size, stat.ino, stat.mtimeNs, stat.ctimeNs].join(" ");
}

/** Without root, a folder whose permissions a build took away must get them back before anyone looks inside. */
export async function openFolder(folder: string, stat: BigIntStats): Promise<void> {
  if ((Number(stat.mode) & 0o700) !== 0o700) await chmod(folder, folderMode);
}

/** A folder's names, those that are text apart from those that are not. */
export async function listNames(folder: string): Promise<{ names: string[]; odd: Buffer[] }> {
  const listed = await readdir(folder, { encoding: "buffer" });
  const names: string[] = [];
  const odd: Buffer[] = [];
  for (const name of listed) {
    const text = name.toString("utf8");
    if (Buffer.from(text, "utf8").equals(name)) names.push(text);
    else odd.push(name);
  }
  return { names, odd };
}

/** True for a folder that holds cargo's cache tag, or the file with which older cargos mark their target. */
export async function isCargoCache(folder: string): Promise<boolean> {
  if ((await readStart(join(folder, "CACHEDIR.TAG"))).startsWith(cacheSignature)) return true;
  return folder.endsWith("/target") && (await readStart(join(folder, ".rustc_info.json"))) !== "";
}

async function readStart(path: string): Promise<string> {
  // NONBLOCK: a planted fifo must not hold the daemon up.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => null);
  if (file === null) return "";
  try {
    if (!(await file.stat()).isFile()) return "";
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } finally {
    await file.close();
  }
}

function kindOf(stat: BigIntStats): FoundEntry["kind"] {
  if (stat.isFile()) return "file";
  if (stat.isSymbolicLink()) return "link";
  return stat.isDirectory() ? "folder" : "other";
}

function isOdd(stat: BigIntStats, user: BuildUser | null): boolean {
  return (Number(stat.mode) & 0o7777) !== folderMode || (user !== null && Number(stat.uid) !== user.uid);
}

import { lchown, lstat, mkdir, readdir, rename, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { parentFolders } from "@bloomery/contract";
import { execa } from "execa";
import type { BuildUser } from "../build-user.js";
import { removeTree } from "../remove-tree.js";
import type { CachePlan } from "./plan-caches.js";

/** So many states of the watched files are kept for each cache. */
const kept = 3;

/**
 * Puts what earlier builds left into the work folder; files of the source stay as they are. Returns the names of the
 * caches that were found. No build may be running in the folder.
 */
export async function restoreCaches(
  caches: readonly CachePlan[],
  workDir: string,
  user: BuildUser | null,
): Promise<string[]> {
  const restored: string[] = [];
  for (const cache of caches) {
    const states = await listStates(cache.store);
    const key = states.includes(cache.key) ? cache.key : cache.allowStale ? states[0] : undefined;
    if (key === undefined) continue;
    const target = join(workDir, cache.directory);
    if (!(await makeWay(workDir, cache.directory, user))) continue;
    await copyFolder(join(cache.store, key), target, user, true);
    restored.push(cache.name);
  }
  return restored;
}

/** Keeps the caches' folders as a build has left them. */
export async function saveCaches(caches: readonly CachePlan[], workDir: string): Promise<void> {
  for (const { store, directory, key } of caches) {
    if (!(await isRealFolder(workDir, directory))) continue;
    await mkdir(store, { recursive: true, mode: 0o700 });
    const temp = join(store, `.new-${process.pid}-${nextTemp++}`);
    try {
      await copyFolder(join(workDir, directory), temp, null);
      await utimes(temp, new Date(), new Date());
      await removeTree(join(store, key));
      await rename(temp, join(store, key));
    } finally {
      await removeTree(temp);
    }
    for (const old of (await listStates(store)).slice(kept)) await removeTree(join(store, old));
  }
}

let nextTemp = 0;

/** Newest first. */
async function listStates(store: string): Promise<string[]> {
  const names = (await readdir(store).catch(() => [])).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const dated = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(store, name))).mtimeMs })),
  );
  return dated.toSorted((a, b) => b.at - a.at).map(({ name }) => name);
}

/** Copies without following links; what a build gave itself in rights does not come along. */
async function copyFolder(from: string, to: string, user: BuildUser | null, keepOld = false): Promise<void> {
  const options = ["-a", "-T", "--reflink=auto", ...(keepOld ? ["-n"] : [])];
  const copied = await execa("cp", [...options, "--", from, to], { reject: false, env: { LC_ALL: "C" } });
  // Some releases of cp call it a failure that a file was there already.
  const isWrong = copied.stderr.split("\n").some((line) => line !== "" && !line.includes("not replacing"));
  if (copied.failed && (isWrong || !keepOld)) throw new Error(copied.stderr || copied.shortMessage);
  if (user !== null) await execa("chown", ["-hR", `${user.uid}:${user.gid}`, "--", to]);
  await execa("chmod", ["-R", "u+rwX,u-s,g-s", "--", to]);
}

/** Every level must be a folder and not a link, for a link may lead anywhere on the host. */
async function isRealFolder(workDir: string, path: string): Promise<boolean> {
  for (const folder of [...parentFolders(path), path]) {
    const found = await lstat(join(workDir, folder)).catch(() => null);
    if (found?.isDirectory() !== true) return false;
  }
  return true;
}

/** Makes the folders on the way; false when something else is there. */
async function makeWay(workDir: string, path: string, user: BuildUser | null): Promise<boolean> {
  for (const folder of [...parentFolders(path), path]) {
    const full = join(workDir, folder);
    const found = await lstat(full).catch(() => null);
    if (found !== null && !found.isDirectory()) return false;
    if (found !== null) continue;
    await mkdir(full);
    if (user !== null) await lchown(full, user.uid, user.gid);
  }
  return true;
}

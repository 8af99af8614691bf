import { constants } from "node:fs";
import { chmod, copyFile, lchown, lstat, mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parentFolders } from "@bloomery/contract";
import type { BuildFolders } from "./build-folders.js";
import type { BuildUser } from "./build-user.js";
import type { FetchPlan } from "./plan-fetch.js";
import { removeTree } from "./remove-tree.js";
import { applyEtc } from "./sandbox/apply-etc.js";
import type { SourceTree } from "./source-store.js";

const maxLockfileBytes = 16 * 1024 * 1024;

/** Makes an app's build folders. What an earlier build put where a folder must be is removed. */
export async function prepareFolders(folders: BuildFolders, user: BuildUser | null): Promise<void> {
  await mkdir(folders.root, { recursive: true, mode: 0o700 });
  for (const folder of [folders.app, folders.home, folders.registry, folders.git])
    await ensureFolder(folder, user);
  // The home belongs to the build: each level is looked at before anything is done below it.
  const cargoHome = join(folders.home, ".cargo");
  for (const folder of [
    join(folders.home, "cache"),
    cargoHome,
    join(cargoHome, "registry"),
    join(cargoHome, "git"),
  ]) {
    await ensureFolder(folder, user);
  }
  // Left by an earlier build they would change this one, and fetching could run a program they name.
  for (const name of ["config", "config.toml"]) await removeTree(join(cargoHome, name));
}

/** Makes the empty folder in the work folder over which a layer of the target folder is mounted. */
export async function prepareMountPoint(folders: BuildFolders, user: BuildUser | null): Promise<void> {
  await ensureFolder(join(folders.app, "target"), user);
}

/** Writes the files of /etc that must not be the host's own. */
export async function prepareEtc(folders: BuildFolders, user: BuildUser | null): Promise<void> {
  const account = { name: "build", home: "/home/build" };
  applyEtc(folders.etc, { account, user, hostname: "build", additionalHosts: {} });
}

/** Fills the fetch folder anew; a lockfile that an earlier build generated in the work folder is used again. */
export async function prepareFetch(
  folders: BuildFolders,
  tree: SourceTree,
  plan: FetchPlan,
  user: BuildUser | null,
): Promise<void> {
  await removeTree(folders.fetch);
  const place = async (path: string, write: (target: string) => Promise<unknown>): Promise<void> => {
    for (const folder of ["", ...parentFolders(path)]) await ensureFolder(join(folders.fetch, folder), user);
    await write(join(folders.fetch, path));
    await giveTo(join(folders.fetch, path), 0o644, user);
  };
  await ensureFolder(folders.fetch, user);
  for (const entry of plan.manifests) {
    await place(entry.path, (target) => copyFile(tree.blobPath(entry.sha256), target));
  }
  for (const path of plan.stubs) await place(path, (target) => writeFile(target, ""));
  if (plan.hasLockfile) return;
  const lock = await readOwnFile(join(folders.app, "Cargo.lock"), maxLockfileBytes);
  if (lock !== null) await place("Cargo.lock", (target) => writeFile(target, lock));
}

/** Brings the lockfile that fetching made into the work folder, so that compiling finds the same versions. */
export async function adoptLockfile(folders: BuildFolders, user: BuildUser | null): Promise<void> {
  const lock = await readOwnFile(join(folders.fetch, "Cargo.lock"), maxLockfileBytes);
  if (lock === null) return;
  const target = join(folders.app, "Cargo.lock");
  const present = await readOwnFile(target, maxLockfileBytes);
  if (present?.equals(lock) === true) return;
  const temp = join(folders.app, `.bloomery-lock-${process.pid}`);
  await rm(temp, { recursive: true, force: true });
  await writeFile(temp, lock, { flag: "wx", mode: 0o644 });
  await giveTo(temp, 0o644, user);
  await rename(temp, target);
}

/** Reads a regular file that a build may have put there; null for anything else. */
async function readOwnFile(path: string, maxBytes: number): Promise<Buffer | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => null);
  if (file === null) return null;
  try {
    const stat = await file.stat();
    return stat.isFile() && stat.size <= maxBytes ? await file.readFile() : null;
  } finally {
    await file.close();
  }
}

async function ensureFolder(path: string, user: BuildUser | null): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found !== null && !found.isDirectory()) await removeTree(path);
  if (found?.isDirectory() !== true) await mkdir(path);
  await giveTo(path, 0o755, user);
}

async function giveTo(path: string, mode: number, user: BuildUser | null): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null || found.isSymbolicLink()) return;
  if (user !== null) await lchown(path, user.uid, user.gid);
  await chmod(path, mode);
}

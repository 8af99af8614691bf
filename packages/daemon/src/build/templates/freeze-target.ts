import { chmod, lchown, lstat, mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { listNames } from "../find-entries.js";
import { removeTree } from "../remove-tree.js";
import { planFreeze, type ProfileListing } from "./plan-freeze.js";

const profileParts = ["deps", "build", ".fingerprint"] as const;
/** Cargo's mark of a cache, and what it remembers of the compiler. */
const marks = ["CACHEDIR.TAG", ".rustc_info.json"] as const;

/**
 * Moves what was compiled for these crates out of a job's target folder. No process of the job is left, so nothing
 * changes meanwhile; links are never followed. Returns the number of entries taken over.
 */
export async function freezeTarget(from: string, to: string, crates: ReadonlySet<string>): Promise<number> {
  const profiles = await listProfiles(from);
  const { take } = planFreeze(profiles, crates);
  await mkdir(to, { mode: 0o700 });
  for (const { path } of profiles)
    for (const part of profileParts) await mkdir(join(to, path, part), { recursive: true });
  for (const path of take) await rename(join(from, path), join(to, path));
  for (const mark of marks) await rename(join(from, mark), join(to, mark)).catch(() => undefined);
  await openToAll(to);
  return take.length;
}

/** Profile folders lie in the target folder or, with `--target`, one level below. */
async function listProfiles(target: string): Promise<ProfileListing[]> {
  const found: ProfileListing[] = [];
  const look = async (path: string): Promise<boolean> => {
    const names = await listReal(join(target, path));
    if (!names.includes(".fingerprint")) return false;
    const list = (part: string): Promise<string[]> => listReal(join(target, path, part));
    const [fingerprints, build, deps] = [await list(".fingerprint"), await list("build"), await list("deps")];
    found.push({ path, fingerprints, build, deps });
    return true;
  };
  for (const name of await listReal(target)) {
    if (await look(name)) continue;
    for (const below of await listReal(join(target, name))) await look(`${name}/${below}`);
  }
  return found;
}

/** Nothing for anything but a folder. */
async function listReal(path: string): Promise<string[]> {
  const found = await lstat(path).catch(() => null);
  return found?.isDirectory() === true ? (await listNames(path)).names.sort() : [];
}

/**
 * Gives everything to the daemon's user, and leave to write to everybody: builds reach a template only as the lower
 * layer of an overlay, where writing makes a copy, and cargo must be able to replace what it finds out of date. On
 * the host the folder above keeps everybody out.
 */
async function openToAll(path: string): Promise<void> {
  const found = await lstat(path);
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  if (found.isSymbolicLink()) return lchown(path, uid, gid);
  if (!found.isFile() && !found.isDirectory()) return removeTree(path);
  await lchown(path, uid, gid);
  const isOpen = found.isDirectory() || (found.mode & 0o111) !== 0;
  await chmod(path, isOpen ? 0o777 : 0o666);
  if (!found.isDirectory()) return;
  for (const name of await readdir(path, { encoding: "buffer" })) {
    const text = name.toString("utf8");
    const isText = Buffer.from(text, "utf8").equals(name);
    if (isText) await openToAll(join(path, text));
    else await removeTree(Buffer.concat([Buffer.from(`${path}/`), name]));
  }
}

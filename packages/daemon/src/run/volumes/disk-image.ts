import { chmod, mkdir, open, readFile, rename, rm, rmdir, statfs } from "node:fs/promises";
import { BloomError } from "@bloomery/contract";
import { runProgram } from "../run-program.js";
import { parseMountPoints } from "./plan-volume.js";

/** Nothing in a volume may become a way to more rights; freed blocks go back to the machine's disk. */
const mountOptions = "loop,nosuid,nodev,discard";
/** Checking a large disk takes its time. */
const longLimitMs = 30 * 60_000;

/** Whether this machine can make disks out of files; asks once for a free loop device, which takes none. */
export async function canMakeDisks(): Promise<boolean> {
  try {
    const free = await runProgram("losetup", ["-f"], { purpose: "disks" });
    const made = await runProgram("mkfs.ext4", ["-V"], { purpose: "disks" });
    return !free.failed && !made.failed;
  } catch {
    return false;
  }
}

/** Bytes of the file system in an image, from its first block; null when there is no image. Throws ERR_VOLUME_SETUP. */
export async function readImageBytes(image: string): Promise<number | null> {
  const file = await open(image, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const { buffer } = await file.read(Buffer.alloc(1024), 0, 1024, 1024);
    if (buffer.readUInt16LE(0x38) !== 0xef53) {
      throw new BloomError("ERR_VOLUME_SETUP", `${image} holds no file system`, {
        hint: "It is damaged: restore it from a backup, or remove it to begin with an empty volume.",
      });
    }
    const blocks = buffer.readUInt32LE(0x4) + buffer.readUInt32LE(0x150) * 2 ** 32;
    return blocks * 1024 * 2 ** buffer.readUInt32LE(0x18);
  } finally {
    await file.close();
  }
}

/** The file system has room for one file for each of these: small ones must not fill it long before its bytes do. */
const bytesPerFile = "8192";

/**
 * Makes a sparse file with an empty file system; `fill` puts something in before it gets its name. Throws
 * ERR_VOLUME_SETUP.
 */
export async function createImage(
  image: string,
  bytes: number,
  fill: (temp: string) => Promise<void>,
): Promise<void> {
  const temp = `${image}.new`;
  await rm(temp, { force: true });
  const file = await open(temp, "wx", 0o600);
  try {
    await file.truncate(bytes);
  } finally {
    await file.close();
  }
  const lazy = "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0";
  // No blocks in reserve for root: all of it is the app's.
  await runDisk("mkfs.ext4", ["-q", "-F", "-m", "0", "-i", bytesPerFile, "-E", lazy, temp]);
  try {
    await fill(temp);
    await rename(temp, image);
  } finally {
    await rm(temp, { force: true });
  }
}

/** Mounts the image; harmless when it is mounted. Throws ERR_VOLUME_SETUP. */
export async function mountImage(image: string, folder: string): Promise<void> {
  if (await isMounted(folder)) return;
  await runDisk("mount", ["-t", "ext4", "-o", mountOptions, image, folder]);
}

/**
 * Unmounts; harmless when nothing is mounted. With `lazy` the name goes at once and the disk with its last user.
 * Throws ERR_VOLUME_SETUP when it is in use.
 */
export async function unmountImage(folder: string, options: { readonly lazy: boolean }): Promise<void> {
  if (!(await isMounted(folder))) return;
  await runDisk("umount", [...(options.lazy ? ["--lazy"] : []), folder]);
  await renewMountPoint(folder);
}

/**
 * Sandboxes copy the machine's mounts when they start, and a copy keeps the disk busy. Removing a mount point
 * takes away all that is mounted on it, in every namespace.
 */
async function renewMountPoint(folder: string): Promise<void> {
  await rmdir(folder);
  await mkdir(folder);
  await chmod(folder, 0o711);
}

/**
 * Makes a mounted disk larger, in use where the kernel allows that, else while nobody uses it. False: it is in use
 * and has to wait. Throws ERR_VOLUME_SETUP.
 */
export async function growImage(image: string, folder: string, bytes: number): Promise<boolean> {
  const file = await open(image, "r+");
  try {
    await file.truncate(bytes);
  } finally {
    await file.close();
  }
  const device = await findDevice(image);
  if (device !== null) {
    await runDisk("losetup", ["--set-capacity", device]);
    const online = await runProgram("resize2fs", [device], { purpose: "disks", limitMs: longLimitMs });
    if (!online.failed) return true;
  }
  try {
    await unmountImage(folder, { lazy: false });
  } catch {
    return false;
  }
  // An app's own mount keeps the device; changing it under the app would destroy it.
  if ((await findDevice(image)) !== null) {
    await mountImage(image, folder);
    return false;
  }
  try {
    await runDisk("e2fsck", ["-f", "-p", image], [0, 1]);
    await runDisk("resize2fs", [image]);
  } finally {
    await mountImage(image, folder);
  }
  return true;
}

/** Bytes the file system of a mounted image can hold. */
export async function readDiskBytes(
  folder: string,
): Promise<{ readonly total: number; readonly used: number }> {
  const found = await statfs(folder);
  return { total: found.blocks * found.bsize, used: (found.blocks - found.bfree) * found.bsize };
}

async function isMounted(folder: string): Promise<boolean> {
  const text = await readFile("/proc/self/mountinfo", "utf8");
  return parseMountPoints(text, folder.slice(0, folder.lastIndexOf("/"))).includes(folder);
}

/** The loop device behind an image; null when it has none. */
async function findDevice(image: string): Promise<string | null> {
  const { stdout } = await runProgram("losetup", ["--noheadings", "--output", "NAME", "-j", image], {
    purpose: "disks",
  });
  return stdout.trim().split("\n")[0]?.trim() || null;
}

async function runDisk(
  command: string,
  args: readonly string[],
  fine: readonly number[] = [0],
): Promise<void> {
  const result = await runProgram(command, args, { purpose: "disks", limitMs: longLimitMs });
  if (!result.failed || (result.code !== null && fine.includes(result.code))) return;
  throw new BloomError("ERR_VOLUME_SETUP", `${command} failed: ${result.words}`, {
    details: { command: [command, ...args].join(" ") },
  });
}

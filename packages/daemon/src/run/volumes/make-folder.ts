import { constants } from "node:fs";
import { chmod, chown, lstat, mkdir, open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";

/** Only names a place: works where reading is not allowed, and never waits. Not among node's own constants. */
const pathOnly = 0o10000000;
const openFlags = pathOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Makes the folder with these names below `base` and gives it to its owner. An app may have written to any folder
 * on the way, so each is opened from the one before without following a link. Folders that are made on the way
 * belong to whoever has the one above. Returns the path. Throws ERR_VOLUME_SETUP.
 */
export async function makeFolder(
  base: string,
  names: readonly string[],
  owner: { readonly uid: number; readonly gid: number } | null,
): Promise<string> {
  let handle = await openFolder(base, base);
  let path = base;
  try {
    for (const name of names) {
      if (name === "." || name === ".." || name.includes("/"))
        throw fault(path, `it cannot hold \`${name}\``);
      path = join(path, name);
      const next = await descend(handle, name, path);
      await handle.close();
      handle = next;
    }
    if (owner !== null) await giveTo(handle, owner);
    return path;
  } finally {
    await handle.close();
  }
}

/** The file that a descriptor stands for; the kernel leads there whatever has become of its name. */
const placeOf = (handle: FileHandle): string => `/proc/self/fd/${handle.fd}`;

async function descend(parent: FileHandle, name: string, path: string): Promise<FileHandle> {
  const inside = join(placeOf(parent), name);
  const made = await mkdir(inside, { mode: 0o755 }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return false;
      throw fault(path, error.message, error);
    },
  );
  const handle = await openFolder(inside, path);
  if (made) {
    const { uid, gid } = await parent.stat();
    if (process.getuid?.() === 0) await giveTo(handle, { uid, gid });
    // Whatever the umask: the web server must be able to pass through.
    await chmod(placeOf(handle), 0o755);
  }
  return handle;
}

async function openFolder(place: string, path: string): Promise<FileHandle> {
  return open(place, openFlags).catch(async (error: NodeJS.ErrnoException) => {
    const found = await lstat(place).catch(() => undefined);
    const reason = found?.isSymbolicLink() === true ? "it is a link" : "it is not a folder";
    throw fault(path, error.code === "ENOTDIR" || error.code === "ELOOP" ? reason : error.message, error);
  });
}

async function giveTo(
  handle: FileHandle,
  owner: { readonly uid: number; readonly gid: number },
): Promise<void> {
  const found = await handle.stat();
  if (found.uid !== owner.uid || found.gid !== owner.gid) await chown(placeOf(handle), owner.uid, owner.gid);
}

function fault(path: string, reason: string, cause?: unknown): BloomError {
  return new BloomError("ERR_VOLUME_SETUP", `the folder ${path} cannot be used for a mount: ${reason}`, {
    hint: "Rename or remove it through `bloom exec` or `bloom mount`, then deploy again.",
    cause,
  });
}

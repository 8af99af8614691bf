import { constants } from "node:fs";
import { lstat, open, readlink } from "node:fs/promises";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { fileEntry, type ArchiveEntry } from "../archive-entry.js";
import { listNames } from "../find-entries.js";
import { isLeftOut } from "./plan-root.js";
import { unsafeEntry } from "./refuse.js";

/**
 * Reads a folder as if it were an archive, never following a link. What no build wants is not even looked at, nor is
 * cargo's output at the top.
 */
export async function* readFolder(root: string, folder = ""): AsyncGenerator<ArchiveEntry> {
  const { names, odd } = await listNames(join(root, folder)).catch((cause: unknown) => {
    throw unreadableFolder(join(root, folder), cause);
  });
  const [unnamable] = odd;
  if (unnamable !== undefined) {
    throw unsafeEntry(join(folder, unnamable.toString("latin1")), "its name is not UTF-8");
  }
  for (const name of names.sort()) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (isLeftOut(path) || path === "target") continue;
    const found = await lstat(join(root, path));
    const common = fileEntry(path, Buffer.alloc(0), (found.mode & 0o111) !== 0);
    if (found.isDirectory()) {
      yield { ...common, type: "folder" };
      yield* readFolder(root, path);
    } else if (found.isSymbolicLink()) {
      yield { ...common, type: "symlink", linkTarget: await readlink(join(root, path)) };
    } else if (found.isFile()) {
      yield { ...common, size: found.size, body: readFile(join(root, path), path, found.size) };
    } else {
      yield { ...common, type: "other", typeName: "a device, a pipe or a socket" };
    }
  }
}

/** Exactly the bytes that were counted: a file that changes meanwhile is refused. */
async function* readFile(place: string, path: string, size: number): AsyncGenerator<Buffer> {
  const file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    let read = 0;
    for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
      read += chunk.length;
      if (read > size) break;
      yield chunk;
    }
    if (read !== size)
      throw unsafeEntry(path, "it changed while it was read", "Try again once nothing writes to it.");
  } finally {
    await file.close();
  }
}

function unreadableFolder(place: string, cause: unknown): BloomError {
  const { code } = cause as NodeJS.ErrnoException;
  const what = code === "ENOENT" ? "is not there" : code === "ENOTDIR" ? "is no folder" : "cannot be read";
  return new BloomError("ERR_INVALID_ARGUMENT", `the folder ${JSON.stringify(place)} ${what}`, {
    where: { file: place },
    hint: "Name the folder of Cargo.toml, and see that it can be read.",
    cause,
  });
}

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { unsafe } from "./find-output.js";

const chunkBytes = 256 * 1024;

/**
 * Copies one regular file out of an untrusted folder, hashing it on the way. The source is opened without
 * following a link and must still be what was looked at; set-user-id and similar bits are not taken over.
 */
export async function copyOutputFile(
  from: string,
  to: string,
  executable: boolean,
): Promise<{ readonly sha256: string; readonly size: number }> {
  const seen = await lstat(from, { bigint: true });
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ELOOP") throw unsafe(from, "it became a link while it was read");
      if (error.code === "EACCES") throw unsafe(from, "it cannot be read");
      throw error;
    },
  );
  try {
    const opened = await source.stat({ bigint: true });
    if (!opened.isFile() || opened.ino !== seen.ino || opened.dev !== seen.dev) {
      throw unsafe(from, "it changed while it was read");
    }
    const mode = executable ? 0o755 : 0o644;
    const target = await open(to, "wx", mode);
    try {
      const hash = createHash("sha256");
      const buffer = Buffer.allocUnsafe(chunkBytes);
      let size = 0;
      for (;;) {
        const { bytesRead } = await source.read(buffer, 0, chunkBytes, null);
        if (bytesRead === 0) break;
        hash.update(buffer.subarray(0, bytesRead));
        await target.writeFile(buffer.subarray(0, bytesRead));
        size += bytesRead;
      }
      // The umask must not decide whether the app's user can read it.
      await target.chmod(mode);
      return { sha256: hash.digest("hex"), size };
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** The sha256 of a file's content. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: chunkBytes })) {
      hash.update(chunk as Buffer);
    }
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

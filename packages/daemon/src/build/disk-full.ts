import { statfs } from "node:fs/promises";
import { BloomError } from "@bloomery/contract";

/** Less than this left means that the disk is what a build ran out of. */
const nearlyNothing = 16 * 1024 * 1024;

/** Rethrows whatever `work` throws; a full disk as ERR_DISK_FULL naming the folder and what could not be written. */
export async function withDiskWords<T>(folder: string, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isDiskFull(error) ? diskFull(folder, what, error) : error;
  }
}

export function diskFull(folder: string, what: string, cause?: unknown): BloomError {
  return new BloomError(
    "ERR_DISK_FULL",
    `${what} could not be written: the disk that holds ${folder} is full`,
    {
      hint: `Make room on it (\`df -h ${folder}\` shows how much there is), then try again.`,
      details: { folder },
      cause,
    },
  );
}

/** True for errors of the file system, and for those of its tools. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof BloomError) return false;
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT" || /No space left on device/.test(error.message);
}

/** True when the disk of this folder has next to nothing left. */
export async function isFolderFull(folder: string): Promise<boolean> {
  const found = await statfs(folder).catch(() => null);
  return found !== null && (found.bavail * found.bsize < nearlyNothing || found.ffree === 0);
}

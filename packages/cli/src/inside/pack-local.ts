import { statSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { create } from "tar";
import { BloomError } from "@bloomery/contract";

/** A tar that is made as it is read. */
export interface Packing {
  readonly stream: Readable;
  /** What has been packed so far. */
  readonly counts: { readonly files: number; readonly bytes: number };
  /** What was left out, each with the reason. */
  readonly skipped: readonly string[];
  /** Why it broke off; undefined when it did not. */
  failure(): BloomError | undefined;
}

/** Throws ERR_INVALID_ARGUMENT for what is neither a file nor a folder. */
export async function assertPackable(path: string): Promise<void> {
  const entry = await lstat(path).catch(() => undefined);
  if (entry === undefined) throw new BloomError("ERR_INVALID_ARGUMENT", `${path} does not exist`);
  if (!entry.isDirectory() && !entry.isFile()) {
    throw new BloomError("ERR_INVALID_ARGUMENT", `${path} is neither a file nor a folder`);
  }
}

/**
 * Packs a file under its own name, or a folder's content without the folder, below `prefix` in the archive. Owners
 * stay out; links are packed as links.
 */
export function packLocal(path: string, prefix: string): Packing {
  const counts = { files: 0, bytes: 0 };
  const skipped: string[] = [];
  let failure: BloomError | undefined;
  const stream = new PassThrough();
  // A bare name that begins with @ would be taken for an archive.
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const [cwd, name] = isFolder ? [path, "."] : [dirname(path), `./${basename(path)}`];
  const pack = create(
    {
      cwd,
      portable: true,
      ...(prefix === "" ? {} : { prefix }),
      // Pipes and sockets have no content that would ever end.
      filter(at, entry) {
        if ("type" in entry || entry.isFile() || entry.isDirectory() || entry.isSymbolicLink()) return true;
        skipped.push(`${at.replace(/^\.\//, "")}: a device, a pipe or a socket`);
        return false;
      },
      onWriteEntry(entry) {
        const { type, stat } = entry;
        // Portable archives have no times of folders, which would be those of 1970.
        entry.noMtime = false;
        if (type !== "File") return;
        counts.files++;
        counts.bytes += stat?.size ?? 0;
      },
    },
    [name],
  );
  pack.on("error", (error: unknown) => {
    failure = explain(path, error);
    stream.destroy(failure);
  });
  pack.pipe(stream);
  return { stream, counts, skipped, failure: () => failure };
}

function explain(path: string, error: unknown): BloomError {
  const { path: at = path, message } = error as NodeJS.ErrnoException;
  // What Node makes of bytes that are no UTF-8; a file of that name is not there.
  const isNamed = !at.includes("\uFFFD");
  return new BloomError(
    "ERR_INVALID_ARGUMENT",
    isNamed ? `${at} cannot be read: ${message}` : `the name of ${at} is not valid UTF-8`,
    { cause: error, ...(isNamed ? {} : { hint: "Rename it, or upload the others without it." }) },
  );
}

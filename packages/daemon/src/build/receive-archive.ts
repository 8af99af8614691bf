import { BloomError, findPathProblem, sourceLimits, type SourceEntry } from "@bloomery/contract";
import type { ArchiveEntry } from "./archive-entry.js";
import type { BlobWriter, PendingBlob } from "./blob-writer.js";
import { readTar } from "./read-tar.js";

/** A source that has been read and is not yet kept. */
export interface ReceivedSource {
  readonly entries: readonly SourceEntry[];
  readonly blobs: readonly PendingBlob[];
}

/** Reads a source tree out of a plain tar; see `receiveSourceEntries`. */
export function receiveSourceArchive(
  stream: AsyncIterable<Uint8Array>,
  writer: BlobWriter,
): Promise<ReceivedSource> {
  return receiveSourceEntries(readTar(stream), writer);
}

/**
 * Reads a source tree entry by entry. Contents are left pending: the caller commits them once the whole tree is
 * accepted. Throws ERR_SOURCE_UNSAFE naming the entry; then nothing is left.
 */
export async function receiveSourceEntries(
  archive: AsyncIterable<ArchiveEntry>,
  writer: BlobWriter,
): Promise<ReceivedSource> {
  const entries = new Map<string, SourceEntry>();
  const blobs: PendingBlob[] = [];
  let bytes = 0;
  try {
    for await (const entry of archive) {
      const path = normalizePath(entry);
      if (path === "") continue;
      assertPath(entry, path);
      bytes += entry.size;
      if (bytes > sourceLimits.bytes || entries.size >= sourceLimits.entries) throw tooLarge(path);
      if (entries.has(path)) throw unsafe(path, "it is in the archive twice");
      if (entry.type === "folder") continue;
      const accepted = await acceptEntry(entry, path, entries, async () => {
        const blob = await writer.write(entry.body);
        blobs.push(blob);
        return blob;
      });
      entries.set(path, accepted);
    }
    return { entries: [...entries.values()], blobs };
  } catch (error) {
    for (const blob of blobs) await blob.discard();
    throw error;
  }
}

async function acceptEntry(
  entry: ArchiveEntry,
  path: string,
  earlier: ReadonlyMap<string, SourceEntry>,
  store: () => Promise<PendingBlob>,
): Promise<SourceEntry> {
  switch (entry.type) {
    case "file": {
      const blob = await store();
      return { kind: "file", path, executable: entry.executable, sha256: blob.sha256, size: blob.size };
    }
    case "symlink":
      return { kind: "link", path, target: entry.linkTarget };
    case "hardlink": {
      // tar writes the second name of a file as a link to the first; both become files of their own.
      const first = earlier.get(entry.linkTarget.replace(/^(\.\/)+/, ""));
      if (first?.kind !== "file") throw unsafe(path, "it is a hard link to something outside the archive");
      return { ...first, path };
    }
    default:
      throw unsafe(path, `it is ${entry.typeName}`);
  }
}

/** `./src/` as `tar -C dir .` writes it becomes `src`; nothing else is repaired. */
export function normalizePath(entry: Pick<ArchiveEntry, "path" | "type">): string {
  const path = entry.path.replace(/^(\.\/)+/, "");
  if (entry.type !== "folder") return path;
  return path === "." ? "" : path.replace(/\/$/, "");
}

function assertPath(entry: ArchiveEntry, path: string): void {
  const reason = findPathProblem(path);
  if (reason === null) return;
  const isGit = path.split("/").includes(".git");
  throw new BloomError("ERR_SOURCE_UNSAFE", `the entry ${JSON.stringify(entry.path)} is refused: ${reason}`, {
    ...(isGit
      ? { hint: "Leave it out with `tar --exclude=.git`, or send what `git archive HEAD` writes." }
      : {}),
    details: { path: entry.path },
  });
}

function unsafe(path: string, reason: string): BloomError {
  return new BloomError("ERR_SOURCE_UNSAFE", `the entry ${JSON.stringify(path)} is refused: ${reason}`, {
    details: { path },
  });
}

function tooLarge(path: string): BloomError {
  return new BloomError(
    "ERR_SOURCE_TOO_LARGE",
    `the archive is too large; ${JSON.stringify(path)} is past the limit`,
    {
      details: { path, limits: sourceLimits },
    },
  );
}

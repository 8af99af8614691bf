import { chmod, mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BloomError, type SourceEntry } from "@bloomery/contract";
import { fileEntry, type ArchiveEntry } from "./archive-entry.js";
import { openBlobWriter } from "./blob-writer.js";
import { withDiskWords } from "./disk-full.js";
import { forEachLimited } from "./for-each-limited.js";
import { readTar } from "./read-tar.js";
import { receiveSourceArchive, receiveSourceEntries, type ReceivedSource } from "./receive-archive.js";
import {
  assertSafeSource,
  formatManifest,
  hashManifest,
  listBlobs,
  parseManifest,
} from "./source-manifest.js";
import { createTree, type SourceTree } from "./source-tree.js";

export type { SourceTree } from "./source-tree.js";

/** Uploaded sources, kept by content: `trees/<sha256>` name files, `blobs/…` hold them once. */
export interface SourceStore {
  /**
   * Remembers a tree and says which contents have yet to come. Throws ERR_SOURCE_UNSAFE or
   * ERR_SOURCE_TOO_LARGE.
   */
  planUpload(
    entries: readonly SourceEntry[],
  ): Promise<{ readonly tree: string; readonly missing: readonly string[] }>;
  /** Takes a tar whose entries are named by sha256; only contents of `tree`. Several may run at once. */
  receiveBlobs(tree: string, stream: AsyncIterable<Uint8Array>): Promise<{ readonly received: number }>;
  /** Takes a whole source as one tar. All or nothing. */
  receiveArchive(stream: AsyncIterable<Uint8Array>): Promise<{ readonly tree: string }>;
  /**
   * Takes a whole source entry by entry, whatever it is read from. `settle` decides what of it is kept and under
   * which paths. All or nothing.
   */
  receiveEntries(
    archive: AsyncIterable<ArchiveEntry>,
    settle: (entries: readonly SourceEntry[]) => readonly SourceEntry[],
  ): Promise<{ readonly tree: string }>;
  /** A tree like `base` with these texts laid over it, as plain files. */
  layOver(base: string, texts: ReadonlyMap<string, string>): Promise<{ readonly tree: string }>;
  /** Throws ERR_NOT_FOUND for a tree never planned, ERR_SOURCE_INCOMPLETE when contents are missing. */
  assertComplete(tree: string): Promise<void>;
  openTree(tree: string): Promise<SourceTree>;
  /** Forgets all trees but these and the recent ones, then contents that no tree names. */
  prune(options: { readonly keep: ReadonlySet<string>; readonly olderThanMs: number }): Promise<void>;
}

const hexDigest = /^[0-9a-f]{64}$/;

/** Opens the store below `dir`, making what is missing and removing what an earlier crash left half-done. */
export async function openSourceStore(dir: string): Promise<SourceStore> {
  const folders = { trees: join(dir, "trees"), blobs: join(dir, "blobs"), temp: join(dir, "tmp") };
  await rm(folders.temp, { recursive: true, force: true });
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);

  const blobPath = (sha256: string): string => join(folders.blobs, sha256.slice(0, 2), sha256.slice(2));
  const treePath = (tree: string): string => join(folders.trees, tree);
  const blobs = openBlobWriter({ temp: folders.temp, pathOf: blobPath });

  const remember = async (entries: readonly SourceEntry[]): Promise<string> => {
    const manifest = formatManifest(entries);
    const tree = hashManifest(manifest);
    const temp = blobs.tempPath();
    // Written anew each time: its age says when it was last wanted.
    try {
      await writeFile(temp, manifest, { mode: 0o600, flag: "wx" });
      await rename(temp, treePath(tree));
    } catch (error) {
      await rm(temp, { force: true });
      throw error;
    }
    return tree;
  };

  const load = async (tree: string): Promise<readonly SourceEntry[]> => {
    const text = hexDigest.test(tree) ? await readFile(treePath(tree), "utf8").catch(() => null) : null;
    if (text === null) throw new BloomError("ERR_NOT_FOUND", `there is no source tree ${tree.slice(0, 64)}`);
    return parseManifest(text);
  };

  const findMissing = async (entries: readonly SourceEntry[]): Promise<string[]> => {
    const missing: string[] = [];
    await forEachLimited(listBlobs(entries), 16, async ([sha256, size]) => {
      const found = await stat(blobPath(sha256)).catch(() => null);
      if (found?.size !== size) missing.push(sha256);
    });
    return missing.sort();
  };

  const receiveBlobs = async (
    tree: string,
    stream: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly received: number }> => {
    const wanted = listBlobs(await load(tree));
    let received = 0;
    for await (const entry of readTar(stream)) {
      const size = wanted.get(entry.path);
      if (entry.type !== "file" || size === undefined) {
        throw new BloomError(
          "ERR_SOURCE_UNSAFE",
          `${JSON.stringify(entry.path)} is not a content of this tree`,
        );
      }
      if (entry.size !== size) {
        throw new BloomError("ERR_SOURCE_UNSAFE", `${entry.path} has ${entry.size} bytes instead of ${size}`);
      }
      const blob = await blobs.write(entry.body);
      if (blob.sha256 !== entry.path) {
        await blob.discard();
        throw new BloomError(
          "ERR_SOURCE_UNSAFE",
          `the content sent as ${entry.path} hashes to ${blob.sha256}`,
        );
      }
      await blob.commit();
      received++;
    }
    return { received };
  };

  const keepSource = async (
    source: ReceivedSource,
    settle: (entries: readonly SourceEntry[]) => readonly SourceEntry[] = (entries) => entries,
  ): Promise<{ readonly tree: string }> => {
    try {
      const entries = settle(source.entries);
      assertSafeSource(entries);
      const wanted = listBlobs(entries);
      for (const blob of source.blobs) if (wanted.has(blob.sha256)) await blob.commit();
      return { tree: await remember(entries) };
    } finally {
      for (const blob of source.blobs) await blob.discard();
    }
  };

  return {
    planUpload: (entries) =>
      withDiskWords(dir, "the source", async () => {
        assertSafeSource(entries);
        return { tree: await remember(entries), missing: await findMissing(entries) };
      }),

    receiveBlobs: (tree, stream) => withDiskWords(dir, "the source", () => receiveBlobs(tree, stream)),

    receiveArchive: (stream) =>
      withDiskWords(dir, "the source", async () => keepSource(await receiveSourceArchive(stream, blobs))),

    receiveEntries: (archive, settle) =>
      withDiskWords(dir, "the source", async () =>
        keepSource(await receiveSourceEntries(archive, blobs), settle),
      ),

    layOver: (base, texts) =>
      withDiskWords(dir, "the source", async () => {
        const below = (await load(base)).filter(({ path }) => !texts.has(path));
        const laid = await receiveSourceEntries(entriesOf(texts), blobs);
        return keepSource(laid, (entries) => [...below, ...entries]);
      }),

    async assertComplete(tree) {
      const missing = await findMissing(await load(tree));
      if (missing.length === 0) return;
      throw new BloomError("ERR_SOURCE_INCOMPLETE", `${missing.length} files of the source never arrived`, {
        details: { tree, missing: missing.slice(0, 20) },
      });
    },

    async openTree(tree) {
      return createTree(tree, await load(tree), blobPath);
    },

    async prune({ keep, olderThanMs }) {
      const used = new Set<string>();
      for (const tree of await readdir(folders.trees)) {
        const path = treePath(tree);
        const found = await stat(path).catch(() => null);
        if (found === null) continue;
        if (!keep.has(tree) && Date.now() - found.mtimeMs > olderThanMs) await rm(path, { force: true });
        else for (const sha256 of listBlobs(await load(tree)).keys()) used.add(sha256);
      }
      for (const start of await readdir(folders.blobs)) {
        for (const rest of await readdir(join(folders.blobs, start))) {
          const path = join(folders.blobs, start, rest);
          const found = await stat(path).catch(() => null);
          // A young content may belong to a tree that was planned while this ran.
          const isOld = found !== null && Date.now() - found.mtimeMs > olderThanMs;
          if (isOld && !used.has(start + rest)) await rm(path, { force: true });
        }
      }
    },
  };
}

/** Texts as entries of an archive. */
async function* entriesOf(texts: ReadonlyMap<string, string>): AsyncGenerator<ArchiveEntry> {
  for (const [path, text] of texts) yield fileEntry(path, Buffer.from(text));
}

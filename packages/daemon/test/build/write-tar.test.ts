import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { hasControlCharacters, type SourceEntry } from "@bloomery/contract";
import { packTree } from "../../src/build/pack-tree.js";
import { readTar } from "../../src/build/read-tar.js";
import { writeTar } from "../../src/build/write-tar.js";

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bloom-tar-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

interface Read {
  readonly path: string;
  readonly text: string;
  readonly executable: boolean;
}

/** What the platform's own strict reader makes of it. */
async function read(tar: AsyncIterable<Uint8Array>): Promise<readonly Read[]> {
  const found: Read[] = [];
  for await (const entry of readTar(tar)) {
    const isLink = entry.type === "symlink";
    found.push({
      path: entry.path,
      text: isLink ? `-> ${entry.linkTarget}` : (await buffer(entry.body)).toString(),
      executable: !isLink && entry.executable,
    });
  }
  return found;
}

const name = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 120 })
  .filter((text) => !/[/\\]/.test(text) && !hasControlCharacters(text) && text !== "." && text !== "..");
const path = fc
  .array(name, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join("/"))
  .filter((text) => text === text.trim());

test("whatever its names and sizes, what is written is what is read", async () => {
  const folder = await makeFolder();
  const file = fc.record({ path, text: fc.string({ maxLength: 1200 }), executable: fc.boolean() });
  const files = fc.uniqueArray(file, { selector: (one) => one.path, maxLength: 6 });
  let count = 0;
  await fc.assert(
    fc.asyncProperty(files, fc.option(path), async (list, target) => {
      const blobs = await Promise.all(
        list.map(async ({ text }) => {
          const blob = `blob-${count++}`;
          await writeFile(join(folder, blob), text);
          return blob;
        }),
      );
      const entries: SourceEntry[] = list.map((one, index) => ({
        ...{ kind: "file", path: one.path, executable: one.executable },
        ...{ sha256: blobs[index] ?? "", size: Buffer.byteLength(one.text) },
      }));
      if (target !== null) entries.push({ kind: "link", path: "the link", target });
      const tree = { entries, blobPath: (blob: string) => join(folder, blob) };
      const link = target === null ? [] : [{ path: "the link", text: `-> ${target}`, executable: false }];
      expect(await read(writeTar(tree))).toEqual([...list, ...link]);
    }),
    { numRuns: 60 },
  );
});

test("the same tree gives the same bytes, and a file that is gone is told", async () => {
  const folder = await makeFolder();
  await writeFile(join(folder, "blob"), "text");
  const entry: SourceEntry = { kind: "file", path: "a", executable: false, sha256: "blob", size: 4 };
  const tree = { entries: [entry], blobPath: (blob: string) => join(folder, blob) };
  const packed = await packTree(tree);
  expect(gunzipSync(packed)).toEqual(gunzipSync(await packTree(tree)));
  expect(gunzipSync(packed)).toHaveLength(512 * 4);
  await rm(join(folder, "blob"));
  await expect(packTree(tree)).rejects.toMatchObject({ code: "ENOENT" });
});

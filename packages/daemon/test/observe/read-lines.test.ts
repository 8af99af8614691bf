import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readLines, type LineBlock } from "../../src/observe/read-lines.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-lines-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function readAll(bytes: Uint8Array, lent: boolean): Promise<LineBlock[]> {
  const path = join(folder, "log");
  await writeFile(path, bytes);
  const file = await open(path);
  try {
    const blocks: LineBlock[] = [];
    for await (const block of readLines(file, 0, bytes.length, lent)) blocks.push(block);
    return blocks;
  } finally {
    await file.close();
  }
}

const text = (blocks: readonly LineBlock[]): string[] => blocks.flatMap(({ lines }) => lines);

test("lines are the same whether they are lent or not, also where blocks meet and whatever bytes they have", async () => {
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    fc.string({ unit: "grapheme", maxLength: 30 }).map((line) => Buffer.from(`${line}\n`)),
    fc.nat({ max: 70_000 }).map((length) => Buffer.alloc(length, "é")),
    fc.constant(Buffer.from("\n\n")),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      const bytes = Buffer.concat(pieces);
      const end = bytes.lastIndexOf("\n");
      const [own, lent] = [await readAll(bytes, false), await readAll(bytes, true)];
      expect(lent).toEqual(own);
      expect(text(own)).toEqual(end === -1 ? [] : bytes.toString("utf8", 0, end).split("\n"));
      expect(own.at(-1)?.end ?? 0).toBe(end + 1);
    }),
    { numRuns: 60 },
  );
});

import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readTar } from "../../src/build/read-tar.js";
import { makeTar, makeTempDir, streamOf } from "./helpers.js";

async function readAll(
  bytes: Buffer,
  piece?: number,
): Promise<{ path: string; type: string; text: string }[]> {
  const found: { path: string; type: string; text: string }[] = [];
  for await (const entry of readTar(streamOf(bytes, piece))) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry.body) chunks.push(chunk);
    found.push({
      path: entry.path,
      type: entry.type,
      text: Buffer.concat(chunks).toString() || entry.linkTarget,
    });
  }
  return found;
}

const sample = makeTar([
  { path: "src/", type: "5" },
  { path: "src/main.rs", body: "fn main() {}" },
  { path: "empty" },
  { path: "link", type: "2", link: "src/main.rs" },
]);

describe("readTar", () => {
  it.each([1, 7, 511, 512, 513, 100_000])("reads entries in pieces of %i bytes", async (piece) => {
    expect(await readAll(sample, piece)).toEqual([
      { path: "src/", type: "folder", text: "" },
      { path: "src/main.rs", type: "file", text: "fn main() {}" },
      { path: "empty", type: "file", text: "" },
      { path: "link", type: "symlink", text: "src/main.rs" },
    ]);
  });

  it.each(["gnu", "pax", "ustar"])("reads what tar writes in the %s format", async (format) => {
    const dir = await makeTempDir();
    // ustar splits long paths, the others have their own ways.
    const folder = join(dir, "a".repeat(80), "b".repeat(60));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "file.txt"), "text");
    await symlink("file.txt", join(folder, "link"));
    const bytes = execFileSync("tar", ["-C", dir, `--format=${format}`, "-cf", "-", "."], { maxBuffer: 1e8 });
    const found = await readAll(bytes);
    const prefix = `./${"a".repeat(80)}/${"b".repeat(60)}`;
    expect(found).toContainEqual({ path: `${prefix}/file.txt`, type: "file", text: "text" });
    expect(found).toContainEqual({ path: `${prefix}/link`, type: "symlink", text: "file.txt" });
  });

  it("skips bodies that nobody reads", async () => {
    const paths: string[] = [];
    for await (const entry of readTar(streamOf(sample))) paths.push(entry.path);
    expect(paths).toEqual(["src/", "src/main.rs", "empty", "link"]);
  });

  it.each([
    ["nothing", Buffer.alloc(0), "ERR_SOURCE_INCOMPLETE"],
    ["no end mark", makeTar([{ path: "a", body: "x" }], { end: false }), "ERR_SOURCE_INCOMPLETE"],
    ["a cut in a body", sample.subarray(0, 512 * 2 + 5), "ERR_SOURCE_INCOMPLETE"],
    ["a cut in a header", sample.subarray(0, 700), "ERR_SOURCE_INCOMPLETE"],
    ["noise", Buffer.alloc(2048, 7), "ERR_INVALID_ARGUMENT"],
    ["gzip", Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), Buffer.alloc(2000, 3)]), "ERR_INVALID_ARGUMENT"],
    ["a wrong checksum", makeTar([{ path: "a" }]).fill(0xff, 0, 1), "ERR_INVALID_ARGUMENT"],
  ])("refuses %s", async (_, bytes, code) => {
    await expect(readAll(bytes)).rejects.toMatchObject({ code });
  });

  it("says that the upload stopped when the connection breaks", async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield sample.subarray(0, 600);
      throw await Promise.resolve(new Error("socket hang up"));
    }
    const read = async (): Promise<void> => {
      for await (const entry of readTar(broken())) for await (const chunk of entry.body) void chunk;
    };
    await expect(read()).rejects.toMatchObject({ code: "ERR_SOURCE_INCOMPLETE" });
  });

  it("meets any damage with entries or a BloomError, never with anything else", async () => {
    const mutation = fc.record({ at: fc.nat({ max: sample.length - 1 }), byte: fc.nat({ max: 255 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(mutation, { minLength: 1, maxLength: 6 }),
        fc.nat({ max: sample.length }),
        async (mutations, cut) => {
          const bytes = Buffer.from(sample.subarray(0, sample.length - (cut % 3 === 0 ? cut : 0)));
          for (const { at, byte } of mutations) if (at < bytes.length) bytes[at] = byte;
          await readAll(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(BloomError));
        },
      ),
      { numRuns: 300 },
    );
  });
});

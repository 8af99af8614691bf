import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { layOut, lib, manifest } from "./lay-code.js";
import { makeZip, type ZipPart } from "./make-zip.js";

describe("a zip", () => {
  const good = { path: "Cargo.toml", body: manifest };

  it("may be made on Windows, or name its files a second time", async () => {
    const old = Buffer.from([0x81, 0x2e, 0x72, 0x73]);
    const extra = unicodeName(old, "ü.rs");
    const zip = makeZip([
      { ...good, mode: 0, flags: 0 },
      { path: "src\\lib.rs", body: lib, mode: 0, flags: 0 },
      { path: old, extra, flags: 0, mode: 0 },
      { path: "ä.rs", flags: 0 },
      { path: "stored", body: "x", method: 0 },
    ]);
    expect(Object.keys(await layOut(zip))).toEqual(
      ["Cargo.toml", "src/lib.rs", "stored", "ä.rs", "ü.rs"].sort(),
    );
  });

  it.each<[string, readonly ZipPart[], string, RegExp]>([
    ["backslashes that lead out", [{ path: "..\\..\\evil" }], "ERR_SOURCE_UNSAFE", /`\.\.` segment/],
    ["a drive", [{ path: "C:\\Windows\\x" }], "ERR_SOURCE_UNSAFE", /drive letter/],
    ["a NUL", [{ path: "a\0.rs" }], "ERR_SOURCE_UNSAFE", /control characters/],
    [
      "a name in another encoding",
      [{ path: Buffer.from([0x81, 0x2e]), flags: 0 }],
      "ERR_SOURCE_UNSAFE",
      /UTF-8/,
    ],
    [
      "an overlong slash",
      [{ path: Buffer.from([0x2e, 0x2e, 0xc0, 0xaf, 0x78]) }],
      "ERR_SOURCE_UNSAFE",
      /UTF-8/,
    ],
    [
      "a second name that leads out",
      [{ path: "ok", extra: unicodeName(Buffer.from("ok"), "../x") }],
      "ERR_SOURCE_UNSAFE",
      /`\.\.` segment/,
    ],
    ["a password", [{ path: "a", body: "x", method: 0, flags: 1 }], "ERR_INVALID_ARGUMENT", /./],
    ["another method", [{ path: "a", body: "x", method: 14 }], "ERR_INVALID_ARGUMENT", /method 14/],
    ["a wrong checksum", [{ path: "a", body: "x", sum: 1 }], "ERR_INVALID_ARGUMENT", /checksum/],
    [
      "less said than there is",
      [{ path: "a", body: "x".repeat(99), size: 5 }],
      "ERR_INVALID_ARGUMENT",
      /damaged/,
    ],
    ["more said than there is", [{ path: "a", body: "x", size: 50 }], "ERR_INVALID_ARGUMENT", /damaged/],
    ["a huge size said", [{ path: "a", body: "x", size: 3e9 }], "ERR_SOURCE_TOO_LARGE", /exceed/],
    ["a folder with content", [{ path: "d/", body: "x" }], "ERR_SOURCE_UNSAFE", /folder with content/],
    [
      "entries on top of each other",
      [{ path: "a", body: Buffer.from(Array.from({ length: 999 }, (_u, i) => (i * i * 7) % 251)) }].flatMap(
        (a) => [a, ...Array.from({ length: 40 }, (_u, i) => ({ ...a, path: `b${i}`, sameAs: 1 }))],
      ),
      "ERR_INVALID_ARGUMENT",
      /overlap/,
    ],
  ])("is refused with %s", async (_, parts, code, words) => {
    await expect(layOut(makeZip([good, ...parts]))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(words) as unknown,
    });
  });
});

/** Info-ZIP's field with a name in UTF-8. */
function unicodeName(raw: Buffer, name: string): Buffer {
  const data = Buffer.concat([Buffer.alloc(5, 1), Buffer.from(name)]);
  data.writeUInt32LE(crc32(raw), 1);
  const head = Buffer.alloc(4);
  head.writeUInt16LE(0x7075, 0);
  head.writeUInt16LE(data.length, 2);
  return Buffer.concat([head, data]);
}

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openSourceStore } from "../../../src/build/source-store.js";
import { makeTempDir } from "../helpers.js";
import { formats, layOut, lib, manifest, type Part } from "./lay-code.js";

describe.each(formats)("code as %s", (_, pack) => {
  it("becomes a folder with its manifest at the root", async () => {
    const parts = [
      { path: "src/", type: "5" },
      { path: "Cargo.toml", body: manifest },
      { path: "src/lib.rs", body: lib },
      { path: "run.sh", body: "#!/bin/sh\n", mode: 0o755 },
      { path: "src/same.rs", type: "2", link: "lib.rs" },
      { path: "empty.txt" },
    ];
    expect(await layOut(pack(parts))).toEqual({
      "Cargo.toml": manifest,
      "empty.txt": "",
      "run.sh": "#!/bin/sh\n",
      "src/lib.rs": lib,
      "src/same.rs": "link: lib.rs",
    });
  });

  it("is looked into when one folder holds it all, and freed of what no build wants", async () => {
    const parts = [
      { path: "hello/Cargo.toml", body: manifest },
      { path: "hello/src/lib.rs", body: lib },
      { path: "hello/src/target/mod.rs", body: lib },
      { path: "hello/target/debug/hello", body: "x" },
      { path: "hello/.git/config", body: "x" },
      { path: "hello/node_modules/a/b.js", body: "x" },
      { path: "__MACOSX/hello/._Cargo.toml", body: "x" },
      { path: ".DS_Store", body: "x" },
    ];
    expect(Object.keys(await layOut(pack(parts)))).toEqual(["Cargo.toml", "src/lib.rs", "src/target/mod.rs"]);
  });

  const good = { path: "Cargo.toml", body: manifest };
  it.each<[string, readonly Part[], string, RegExp]>([
    ["nothing", [], "ERR_INVALID_ARGUMENT", /empty/],
    ["only what is left out", [{ path: ".git/x", body: "x" }], "ERR_INVALID_ARGUMENT", /empty/],
    ["no manifest", [{ path: "src/lib.rs", body: lib }], "ERR_MANIFEST_INVALID", /no Cargo.toml at the root/],
    ["a manifest two folders deep", [{ path: "a/b/Cargo.toml" }], "ERR_MANIFEST_INVALID", /no Cargo.toml/],
    ["..", [good, { path: "../evil", body: "x" }], "ERR_SOURCE_UNSAFE", /`\.\.` segment/],
    [".. inside", [good, { path: "src/../../evil" }], "ERR_SOURCE_UNSAFE", /`\.\.` segment/],
    ["an absolute path", [good, { path: "/etc/cron.d/x" }], "ERR_SOURCE_UNSAFE", /absolute/],
    ["a drive letter", [good, { path: "C:/x" }], "ERR_SOURCE_UNSAFE", /drive letter/],
    ["an empty segment", [good, { path: "src//x" }], "ERR_SOURCE_UNSAFE", /empty segment/],
    ["a line break", [good, { path: "a\nb" }], "ERR_SOURCE_UNSAFE", /control characters/],
    [
      "a link out",
      [good, { path: "src/l", type: "2", link: "../../x" }],
      "ERR_SOURCE_UNSAFE",
      /out of the tree/,
    ],
    [
      "an absolute link",
      [good, { path: "l", type: "2", link: "/etc/passwd" }],
      "ERR_SOURCE_UNSAFE",
      /out of/,
    ],
    ["a device", [good, { path: "dev", type: "3" }], "ERR_SOURCE_UNSAFE", /device/],
    ["the same name twice", [good, good], "ERR_SOURCE_UNSAFE", /twice/],
    ["names alike but for case", [good, { path: "cargo.TOML" }], "ERR_SOURCE_UNSAFE", /only in how/],
    [
      "folders alike but for case",
      [{ path: "src/a" }, { path: "SRC/b" }, good],
      "ERR_SOURCE_UNSAFE",
      /only in how/,
    ],
    [
      "names alike but for composition",
      [good, { path: "\u00e9" }, { path: "e\u0301" }],
      "ERR_SOURCE_UNSAFE",
      /how/,
    ],
    ["a file below a file", [good, { path: "a" }, { path: "a/b" }], "ERR_SOURCE_UNSAFE", /below a/],
    [
      "a file below a link",
      [good, { path: "d/x" }, { path: "l", type: "2", link: "d" }, { path: "l/b" }],
      "ERR_SOURCE_UNSAFE",
      /below l/,
    ],
    [
      "a link out of the folder looked through",
      [
        { path: "h/Cargo.toml", body: manifest },
        { path: "h/l", type: "2", link: "../h/Cargo.toml" },
      ],
      "ERR_SOURCE_UNSAFE",
      /out of the tree/,
    ],
    ["too deep a path", [good, { path: "d/".repeat(40) + "x" }], "ERR_SOURCE_UNSAFE", /folders deep/],
    [
      "too many entries",
      Array.from({ length: 51 }, (_unused, index) => ({ path: `f${index}` })),
      "ERR_SOURCE_TOO_LARGE",
      /more than 50 entries/,
    ],
    [
      "far more than its size",
      [good, { path: "zeros", body: Buffer.alloc(64 * 1024 ** 2) }],
      "ERR_SOURCE_TOO_LARGE",
      /100 times its size/,
    ],
  ])("is refused with %s, and nothing is kept", async (_name, parts, code, words) => {
    const dir = await makeTempDir();
    const store = await openSourceStore(dir);
    const refused = layOut(pack(parts), store);
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(words) as unknown });
    await expect(refused).rejects.toHaveProperty("hint");
    for (const folder of ["trees", "blobs", "tmp"]) expect(await readdir(join(dir, folder))).toEqual([]);
  });

  it("says which folder to send when the manifest is elsewhere", async () => {
    const parts = [{ path: "a/b/Cargo.toml" }, { path: "a/c/Cargo.toml" }, { path: "README" }];
    await expect(layOut(pack(parts))).rejects.toMatchObject({
      where: { file: "Cargo.toml" },
      hint: "There is one at a/b/Cargo.toml: send the folder a/b by itself.",
    });
    await expect(layOut(pack([{ path: "cargo.toml" }]))).rejects.toMatchObject({
      hint: "Rename cargo.toml to Cargo.toml.",
    });
  });

  it("is refused when it is cut off anywhere", async () => {
    const whole = pack([
      { path: "Cargo.toml", body: manifest },
      { path: "src/lib.rs", body: lib.repeat(100) },
    ]);
    for (let length = 10; length < whole.length; length += 37) {
      await expect(layOut(whole.subarray(0, length))).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_(SOURCE_INCOMPLETE|INVALID_ARGUMENT)$/) as unknown,
      });
    }
  });
});

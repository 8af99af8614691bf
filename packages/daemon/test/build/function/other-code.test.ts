import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { codeLimits } from "../../../src/build/function/code-limits.js";
import { receiveCode } from "../../../src/build/function/receive-code.js";
import { openSourceStore } from "../../../src/build/source-store.js";
import { makeTar, makeTempDir } from "../helpers.js";
import { layOut, lib, manifest, tarGz } from "./lay-code.js";

describe("a tar", () => {
  it("may come without gzip, and as the real program writes it", async () => {
    const dir = await makeTempDir();
    await mkdir(join(dir, "src"));
    await writeFile(join(dir, "Cargo.toml"), manifest);
    await writeFile(join(dir, "src/lib.rs"), lib);
    for (const flags of ["-cf", "-czf"]) {
      const bytes = execFileSync("tar", ["-C", dir, flags, "-", "."]);
      expect(Object.keys(await layOut(bytes))).toEqual(["Cargo.toml", "src/lib.rs"]);
    }
  });

  it("is refused with names that only other systems understand", async () => {
    const bad = tarGz([{ path: "a\\b" }]);
    await expect(layOut(bad)).rejects.toMatchObject({ code: "ERR_SOURCE_UNSAFE", where: { file: "a\\b" } });
  });

  it("is refused when it is something else that gzip packed, or padded without end", async () => {
    await expect(layOut(gzipSync("x".repeat(9000)))).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      hint: expect.stringContaining("tar -czf") as unknown,
    });
    const padded = gzipSync(Buffer.concat([makeTar([{ path: "Cargo.toml" }]), Buffer.alloc(64 * 1024 ** 2)]));
    await expect(layOut(padded)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) as unknown });
    const header = gzipSync(makeTar([{ path: "x", size: 2 ** 33 - 1 }], { end: false }));
    await expect(layOut(header)).rejects.toMatchObject({ code: "ERR_SOURCE_TOO_LARGE" });
  });
});

describe("one file", () => {
  it("becomes a crate named like the app", async () => {
    expect(await layOut(Buffer.from(`\ufeff${lib}`))).toEqual({
      "Cargo.toml": '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n',
      "src/lib.rs": lib,
    });
  });

  it.each([
    ["nothing", Buffer.alloc(0), /empty/],
    ["a program", Buffer.from("\x7fELF\x02\x01\x01"), /compiled program/],
    ["7z", Buffer.from("377abcaf271c0004", "hex"), /7z/],
    ["text in another encoding", Buffer.from([0x66, 0x6e, 0x20, 0xe4]), /neither an archive nor text/],
    ["bytes", Buffer.from("fn main() {}\0"), /neither/],
  ])("is refused when it is %s", async (_, bytes, words) => {
    await expect(layOut(bytes)).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringMatching(words) as unknown,
      hint: expect.stringContaining(".rs") as unknown,
    });
  });

  it("is refused beyond the size of any archive", async () => {
    const bytes = Buffer.alloc(codeLimits.packedBytes + 1, 32);
    await expect(layOut(bytes)).rejects.toMatchObject({ code: "ERR_SOURCE_TOO_LARGE" });
  });
});

describe("a folder", () => {
  it("is taken without what no build wants, and without following links", async () => {
    const dir = await makeTempDir();
    for (const folder of ["src/target", "target/debug", ".git", "node_modules/x"]) {
      await mkdir(join(dir, folder), { recursive: true });
      await writeFile(join(dir, folder, "file.rs"), lib);
    }
    await writeFile(join(dir, "Cargo.toml"), manifest);
    await symlink("src", join(dir, "also"));
    const store = await openSourceStore(await makeTempDir());
    const { tree } = await receiveCode(store, { kind: "folder", path: dir }, { app: "hello" });
    expect((await store.openTree(tree)).list()).toEqual(["Cargo.toml", "also", "src/target/file.rs"]);

    await symlink("/etc/passwd", join(dir, "src/out"));
    const refused = receiveCode(store, { kind: "folder", path: dir }, { app: "hello" });
    await expect(refused).rejects.toMatchObject({ code: "ERR_SOURCE_UNSAFE", where: { file: "src/out" } });
  });

  it.each([
    ["that is not there", "nowhere", /is not there/],
    ["that is a file", "file", /is no folder/],
  ])("is refused %s", async (_, name, words) => {
    const dir = await makeTempDir();
    await writeFile(join(dir, "file"), "");
    const store = await openSourceStore(await makeTempDir());
    const refused = receiveCode(store, { kind: "folder", path: join(dir, name) }, { app: "hello" });
    await expect(refused).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringMatching(words) as unknown,
    });
  });

  it("is refused with a pipe in it", async () => {
    const dir = await makeTempDir();
    execFileSync("mkfifo", [join(dir, "pipe")]);
    const store = await openSourceStore(await makeTempDir());
    const refused = receiveCode(store, { kind: "folder", path: dir }, { app: "hello" });
    await expect(refused).rejects.toMatchObject({ code: "ERR_SOURCE_UNSAFE", details: { path: "pipe" } });
  });
});

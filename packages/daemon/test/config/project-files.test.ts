import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig, maxFileBytes, openProjectFolder } from "../../src/config/index.js";

/** Of coreutils, so that it is everywhere. */
const mkfifo = "mkfifo";

describe("openProjectFolder", () => {
  let base: string;
  let folder: string;

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "bloom-files-"));
    folder = join(base, "project");
    mkdirSync(folder);
  });

  afterEach(() => {
    rmSync(base, { recursive: true });
  });

  function write(path: string, text: string | Buffer): void {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }

  it("lists files, without what cargo, git and npm keep", () => {
    write("Cargo.toml", "");
    write("src/bin/a.rs", "");
    write(".platform.app.yaml", "");
    write("target/debug/build/x.rs", "");
    write("crates/a/target/y.rs", "");
    write(".git/HEAD", "");
    write("web/node_modules/z/index.js", "");
    expect(openProjectFolder(folder).list()).toEqual([".platform.app.yaml", "Cargo.toml", "src/bin/a.rs"]);
  });

  it("reads texts, and nothing for what is not there", () => {
    write("a/b.txt", "grüß dich");
    const files = openProjectFolder(folder);
    expect(files.read("a/b.txt")).toBe("grüß dich");
    expect(files.read("a")).toBeUndefined();
    expect(files.read("missing")).toBeUndefined();
    expect(files.read("")).toBeUndefined();
    expect(files.read("a\0b")).toBeUndefined();
    expect(openProjectFolder(join(base, "nowhere")).list()).toEqual([]);
  });

  it("never leaves the folder", () => {
    writeFileSync(join(base, "secret"), "x");
    symlinkSync(join(base, "secret"), join(folder, "link"));
    symlinkSync(base, join(folder, "up"));
    write("inside.txt", "y");
    symlinkSync("inside.txt", join(folder, "alias.txt"));
    const files = openProjectFolder(folder);
    expect(files.list()).toEqual(["alias.txt", "inside.txt"]);
    for (const path of ["link", "up/secret", "../secret", join(base, "secret"), "a/../../secret"]) {
      expect(files.read(path)).toBeUndefined();
    }
    expect(files.read("alias.txt")).toBe("y");
  });

  it("does not wait for a pipe", () => {
    execFileSync(mkfifo, [join(folder, "bloom.toml")]);
    const files = openProjectFolder(folder);
    expect(files.read("bloom.toml")).toBeUndefined();
    expect(files.list()).toEqual([]);
  });

  it("reads only the beginning of a huge file, which loadConfig refuses", () => {
    write("bloom.toml", Buffer.alloc(3 * maxFileBytes, "#"));
    const files = openProjectFolder(folder);
    expect(files.read("bloom.toml")).toHaveLength(maxFileBytes + 1);
    const { config, problems } = loadConfig(files);
    expect(config).toBeNull();
    expect(problems.map(({ message }) => message)).toEqual([
      "the file is larger than 1 MB; such files have a few kilobytes",
    ]);
  });
});

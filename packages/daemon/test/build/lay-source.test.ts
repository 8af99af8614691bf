import { execFileSync } from "node:child_process";
import { link, lstat, mkdir, mkdtemp, rm, symlink, unlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { laySource, type LayResult } from "../../src/build/lay-source.js";
import { openSourceStore, type SourceStore } from "../../src/build/source-store.js";
import { makeTempDir, readTree, uploadFiles } from "./helpers.js";

const cacheTag = "Signature: 8a477f597d28d172789f06886806bc55\n# made by cargo";

interface Bench {
  readonly dir: string;
  readonly work: string;
  readonly store: SourceStore;
  lay(files: Readonly<Record<string, string>>): Promise<LayResult>;
}

async function openBench(dir: string): Promise<Bench> {
  const work = join(dir, "app");
  const store = await openSourceStore(join(dir, "sources"));
  return {
    dir,
    work,
    store,
    async lay(files) {
      const tree = await store.openTree(await uploadFiles(store, files));
      return laySource({ tree, workDir: work, recordFile: join(dir, "tree.json"), user: null });
    },
  };
}

const source = {
  "Cargo.toml": "[package]",
  "src/main.rs": "fn main() {}",
  "!run.sh": "#!/bin/sh",
  "src/l": "link: main.rs",
};
const laid = {
  "Cargo.toml": "[package]",
  "run.sh": "#!/bin/sh",
  "src/l": "link: main.rs",
  "src/main.rs": "fn main() {}",
};

describe("laying a source over the previous one", () => {
  it("touches only what changed, and gives that a new time", async () => {
    const bench = await openBench(await makeTempDir());
    expect(await bench.lay(source)).toEqual({ written: 4, removed: 0, kept: 0 });
    const before = {
      main: await lstat(join(bench.work, "src/main.rs"), { bigint: true }),
      toml: await lstat(join(bench.work, "Cargo.toml"), { bigint: true }),
    };
    expect(await bench.lay(source)).toEqual({ written: 0, removed: 0, kept: 4 });
    expect(await bench.lay({ ...source, "src/main.rs": "fn main() { }" })).toEqual({
      written: 1,
      removed: 0,
      kept: 3,
    });
    const main = await lstat(join(bench.work, "src/main.rs"), { bigint: true });
    const toml = await lstat(join(bench.work, "Cargo.toml"), { bigint: true });
    expect(main.mtimeNs).toBeGreaterThan(before.main.mtimeNs);
    expect([toml.mtimeNs, toml.ino]).toEqual([before.toml.mtimeNs, before.toml.ino]);
    expect(toml.mode & 0o777n).toBe(0o644n);
    expect((await lstat(join(bench.work, "run.sh"))).mode & 0o777).toBe(0o755);
  });

  it("writes a file again whose mode changed, and goes back to an older content with a new time", async () => {
    const bench = await openBench(await makeTempDir());
    await bench.lay({ a: "one", b: "x" });
    await bench.lay({ a: "two", b: "x" });
    const second = await lstat(join(bench.work, "a"), { bigint: true });
    expect(await bench.lay({ a: "one", "!b": "x" })).toMatchObject({ written: 2 });
    expect((await lstat(join(bench.work, "a"), { bigint: true })).mtimeNs).toBeGreaterThan(second.mtimeNs);
    expect((await lstat(join(bench.work, "b"))).mode & 0o777).toBe(0o755);
  });

  it("removes files that left the source, and swaps files, links and folders", async () => {
    const bench = await openBench(await makeTempDir());
    await bench.lay({ "a/x": "1", b: "2", c: "link: b", "gone/deep/er": "3" });
    await bench.lay({ a: "file", "b/y": "below", "c/z": "below", d: "link: a" });
    expect(await readTree(bench.work)).toEqual({ a: "file", "b/y": "below", "c/z": "below", d: "link: a" });
    expect(await lstat(join(bench.work, "gone")).catch(() => null)).toBeNull();
  });

  it("repairs what a build changed, even with size and times put back", async () => {
    const bench = await openBench(await makeTempDir());
    await bench.lay(source);
    const path = join(bench.work, "src/main.rs");
    const { atime, mtime } = await lstat(path);
    await writeFile(path, "fn evil() {}");
    await utimes(path, atime, mtime);
    await unlink(join(bench.work, "Cargo.toml"));
    execFileSync("chmod", ["000", join(bench.work, "src")]);
    expect(await bench.lay(source)).toMatchObject({ written: 2 });
    expect(await readTree(bench.work)).toEqual(laid);
    expect((await lstat(join(bench.work, "src"))).mode & 0o777).toBe(0o755);
  });

  it("keeps cargo's caches and generated lockfiles, and removes other leftovers", async () => {
    const bench = await openBench(await makeTempDir());
    await bench.lay(source);
    await mkdir(join(bench.work, "target/debug"), { recursive: true });
    await writeFile(join(bench.work, "target/CACHEDIR.TAG"), cacheTag);
    await writeFile(join(bench.work, "target/debug/app"), "binary");
    await mkdir(join(bench.work, "sub/target"), { recursive: true });
    await writeFile(join(bench.work, "sub/target/.rustc_info.json"), "{}");
    await writeFile(join(bench.work, "sub/leftover"), "x");
    await mkdir(join(bench.work, "fake/target"), { recursive: true });
    await writeFile(join(bench.work, "fake/target/x"), "x");
    await writeFile(join(bench.work, "Cargo.lock"), "version = 4");
    await writeFile(join(bench.work, "src/Cargo.lock"), "beside no manifest");
    await bench.lay(source);
    expect(await readTree(bench.work)).toEqual({
      ...laid,
      "Cargo.lock": "version = 4",
      "sub/target/.rustc_info.json": "{}",
      "target/CACHEDIR.TAG": cacheTag,
      "target/debug/app": "binary",
    });
  });

  it("replaces planted links, fifos and hard links without following them", async () => {
    const dir = await makeTempDir();
    const outside = join(dir, "outside");
    await mkdir(outside);
    await writeFile(join(outside, "main.rs"), "outside");
    await writeFile(join(outside, "victim"), "outside");
    const bench = await openBench(dir);
    await bench.lay(source);
    await rm(join(bench.work, "src"), { recursive: true });
    await symlink(outside, join(bench.work, "src"));
    await rm(join(bench.work, "Cargo.toml"));
    await symlink(join(outside, "victim"), join(bench.work, "Cargo.toml"));
    await rm(join(bench.work, "run.sh"));
    await link(join(outside, "victim"), join(bench.work, "run.sh"));
    execFileSync("mkfifo", [join(bench.work, "fifo")]);
    await mkdir(join(bench.work, "target"));
    execFileSync("mkfifo", [join(bench.work, "target/CACHEDIR.TAG")]);
    await bench.lay(source);
    expect(await readTree(bench.work)).toEqual(laid);
    expect(await readTree(outside)).toEqual({ "main.rs": "outside", victim: "outside" });
  });

  it("removes names that are not text and folders nested beyond any path's length", async () => {
    const bench = await openBench(await makeTempDir());
    await bench.lay(source);
    execFileSync(
      "python3",
      [
        "-c",
        `import os
os.mkdir(b"\\xff\\xfe"); open(b"\\xff\\xfe/\\xfd", "w").close(); open(b"src/\\xff", "w").close()
for i in range(60): os.mkdir("d" * 200); os.chdir("d" * 200)`,
      ],
      { cwd: bench.work },
    );
    await bench.lay(source);
    expect(await readTree(bench.work)).toEqual(laid);
  });

  it("starts over when its record is missing or damaged", async () => {
    const bench = await openBench(await makeTempDir());
    await bench.lay(source);
    await writeFile(join(bench.dir, "tree.json"), "{ not json");
    expect(await bench.lay(source)).toMatchObject({ written: 3, kept: 1 });
    expect(await readTree(bench.work)).toEqual(laid);
  });

  it("equals a fresh checkout after any sequence of trees and tampering", async () => {
    const path = fc.constantFrom("a", "b", "a/c", "a/d", "b/e/f", "constructor", "__proto__", "Cargo.toml");
    const text = fc.constantFrom("", "one", "two");
    const files = fc.dictionary(path, text, { noNullPrototype: false }).map(withoutConflicts);
    const tamper = fc.constantFrom("none", "overwrite", "delete", "link", "add");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(files, tamper), { minLength: 1, maxLength: 4 }), async (steps) => {
        const dir = await mkdtemp(join(tmpdir(), "bloomery-lay-"));
        try {
          const bench = await openBench(dir);
          for (const [tree, change] of steps) {
            await bench.lay(tree);
            expect(await readTree(bench.work)).toEqual(tree);
            await tamperWith(bench.work, change);
          }
        } finally {
          await rm(dir, { recursive: true });
        }
      }),
      { numRuns: 40 },
    );
  });
});

function withoutConflicts(files: Record<string, string>): Record<string, string> {
  const paths = Object.keys(files);
  const kept = paths.filter((path) => !paths.some((other) => other.startsWith(`${path}/`)));
  return Object.fromEntries(kept.map((path) => [path, files[path] ?? ""]));
}

async function tamperWith(work: string, change: string): Promise<void> {
  const first = Object.keys(await readTree(work))[0];
  if (change === "add") await writeFile(join(work, "leftover"), "x");
  if (first === undefined || change === "add" || change === "none") return;
  if (change === "overwrite") await writeFile(join(work, first), "TWO");
  else await rm(join(work, first));
  if (change === "link") await symlink("/etc/passwd", join(work, first));
}

import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openHashCache } from "../src/project/hash-cache.js";
import { walkProject } from "../src/project/walk.js";

let base: string;
let root: string;
let cacheEnv: NodeJS.ProcessEnv;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "bloom-walk-"));
  root = join(base, "project");
  cacheEnv = { XDG_CACHE_HOME: join(base, "cache") };
  await mkdir(root);
});
afterEach(() => rm(base, { recursive: true }));

async function write(path: string, text = "x"): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}
const walk = async (): Promise<string[]> => {
  const cache = await openHashCache(root, cacheEnv);
  const { entries } = await walkProject(root, cache);
  await cache.save();
  return entries.map((entry) => entry.path);
};

test("leaves out .git, cargo's targets and what the ignore files say, at every level", async () => {
  await write(".gitignore", "*.tmp\n/build/\n!keep.tmp\n");
  await write(".bloomignore", "notes.md\n");
  await write("sub/.gitignore", "local\n");
  for (const path of [
    "a.tmp",
    "keep.tmp",
    "build/x",
    "sub/build/x",
    "notes.md",
    "sub/local",
    "sub/a.tmp",
    ".git/HEAD",
    "src/main.rs",
  ])
    await write(path);
  await write("target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
  await write("target/debug/app");
  await write("not-cargo/target/file");
  expect(await walk()).toEqual([
    ".bloomignore",
    ".gitignore",
    "keep.tmp",
    "not-cargo/target/file",
    "src/main.rs",
    "sub/.gitignore",
    "sub/build/x",
  ]);
});

test("keeps links as links and the exec bit", async () => {
  await write("run.sh");
  await chmod(join(root, "run.sh"), 0o755);
  await symlink("run.sh", join(root, "link"));
  const { entries } = await walkProject(root, await openHashCache(root, cacheEnv));
  expect(entries).toEqual([
    { kind: "link", path: "link", target: "run.sh" },
    expect.objectContaining({ kind: "file", path: "run.sh", executable: true, size: 1 }),
  ]);
});

test("refuses a pipe, by its name", async () => {
  execFileSync("mkfifo", [join(root, "pipe")]);
  await expect(walk()).rejects.toMatchObject({
    code: "ERR_SOURCE_UNSAFE",
    message: expect.stringContaining("pipe") as string,
  });
});

test("notices changed content behind an unchanged size and an old time", async () => {
  await write("file", "one");
  const old = new Date(Date.now() - 100_000);
  await utimes(join(root, "file"), old, old);
  const hash = async (): Promise<string> => {
    const cache = await openHashCache(root, cacheEnv);
    const { entries } = await walkProject(root, cache);
    await cache.save();
    const [entry] = entries;
    return entry?.kind === "file" ? entry.sha256 : "";
  };
  const before = await hash();
  await write("file", "two");
  await utimes(join(root, "file"), old, old);
  expect(await hash()).not.toBe(before);
});

test("leaves out the .git of a worktree, which is a file", async () => {
  await write(".git", "gitdir: /elsewhere\n");
  await write("main.rs");
  expect(await walk()).toEqual(["main.rs"]);
});

test.each(["/etc/passwd", "../outside", "sub/../../outside"])("refuses a link to %s", async (target) => {
  await symlink(target, join(root, "way-out"));
  await expect(walk()).rejects.toMatchObject({
    code: "ERR_SOURCE_UNSAFE",
    message: expect.stringContaining("way-out") as string,
    where: { file: "way-out" },
  });
});

test("refuses a name that is not UTF-8", async () => {
  await writeFile(Buffer.concat([Buffer.from(`${root}/bad-`), Buffer.from([0xff])]), "x");
  await expect(walk()).rejects.toMatchObject({
    code: "ERR_SOURCE_UNSAFE",
    message: expect.stringContaining("UTF-8") as string,
  });
});

test("is broken off by its signal", async () => {
  await write("a");
  const reason = new Error("enough");
  const cache = await openHashCache(root, cacheEnv);
  await expect(walkProject(root, cache, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test("what is ignored may be anything", async () => {
  execFileSync("mkfifo", [join(root, "pipe")]);
  await symlink("/etc", join(root, "etc"));
  await write(".bloomignore", "pipe\netc\n");
  expect(await walk()).toEqual([".bloomignore"]);
});

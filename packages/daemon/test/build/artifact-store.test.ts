import { execFileSync } from "node:child_process";
import { createServer } from "node:net";
import { appendFile, chmod, link, lstat, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openArtifactStore, type ArtifactStore } from "../../src/build/artifact-store.js";
import { isCargoIntermediate, planCollect } from "../../src/build/plan-collect.js";
import { makeTempDir, readTree } from "./helpers.js";

const cacheTag = "Signature: 8a477f597d28d172789f06886806bc55\n";

async function openBench(): Promise<{ dir: string; work: string; store: ArtifactStore }> {
  const dir = await makeTempDir();
  await mkdir(join(dir, "app"));
  return { dir, work: join(dir, "app"), store: await openArtifactStore(join(dir, "artifacts")) };
}

async function writeFiles(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

describe("collecting an artifact", () => {
  it("keeps programs where they are and leaves cargo's intermediates out", async () => {
    const { work, store } = await openBench();
    await writeFiles(work, {
      "index.html": "<p>",
      "src/main.rs": "fn main() {}",
      ".git/config": "x",
      "target/CACHEDIR.TAG": cacheTag,
      "target/.rustc_info.json": "{}",
      "target/debug/hello": "binary",
      "target/debug/hello.d": "deps",
      "target/debug/.cargo-lock": "",
      "target/debug/deps/hello-1": "binary",
      "target/debug/build/x/out/y": "x",
      "target/debug/incremental/z": "x",
      "target/debug/.fingerprint/f": "x",
      "target/debug/examples/e": "x",
      "target/x86_64-unknown-linux-musl/release/hello": "static",
      "target/x86_64-unknown-linux-musl/release/deps/d": "x",
      "static/build/app.js": "kept: not below a target folder",
      "target-practice/deps/x": "kept, too",
    });
    await chmod(join(work, "target/debug/hello"), 0o755);
    const artifact = await store.collect(work);
    expect(Object.keys(await readTree(store.pathOf(artifact.digest)))).toEqual([
      "index.html",
      "src/main.rs",
      "static/build/app.js",
      "target/debug/hello",
      "target/x86_64-unknown-linux-musl/release/hello",
      "target-practice/deps/x",
    ]);
    const hello = await lstat(join(store.pathOf(artifact.digest), "target/debug/hello"));
    expect(hello.mode & 0o7777).toBe(0o755);
    expect(artifact).toMatchObject({ files: 6, warnings: [] });
    await store.verify(artifact.digest);
  });

  it("names equal trees equally and different ones differently", async () => {
    const { work, store } = await openBench();
    await writeFiles(work, { a: "1", "b/c": "2" });
    const first = await store.collect(work);
    expect((await store.collect(work)).digest).toBe(first.digest);
    expect(await store.list()).toEqual([first.digest]);
    const digests = new Set([first.digest]);
    for (const change of ["chmod +x a", "mv b/c b/d", "mkdir e", "ln -s a l", "ln -sfn b l", "echo 3 > a"]) {
      execFileSync("sh", ["-c", change], { cwd: work });
      digests.add((await store.collect(work)).digest);
    }
    expect(digests.size).toBe(7);
  });

  it("drops special bits, copies hard links, keeps links that stay inside", async () => {
    const { work, store } = await openBench();
    await writeFiles(work, { "bin/tool": "x", "data/d": "y" });
    await chmod(join(work, "bin/tool"), 0o6755);
    await chmod(join(work, "data"), 0o1777);
    await chmod(join(work, "data/d"), 0o600);
    await link(join(work, "data/d"), join(work, "data/e"));
    await symlink("../bin/tool", join(work, "data/tool"));
    await symlink("/app/bin", join(work, "absolute"));
    await symlink("not/there", join(work, "dangling"));
    const { digest } = await store.collect(work);
    const root = store.pathOf(digest);
    const modeOf = async (path: string): Promise<number> => (await lstat(join(root, path))).mode & 0o7777;
    expect([await modeOf("bin/tool"), await modeOf("data"), await modeOf("data/d")]).toEqual([
      0o755, 0o755, 0o644,
    ]);
    expect((await lstat(join(root, "data/e"))).nlink).toBe(1);
    expect(await readTree(root)).toMatchObject({
      absolute: "link: /app/bin",
      dangling: "link: not/there",
      "data/tool": "link: ../bin/tool",
    });
    expect((await lstat(join(root, "data/d"))).uid).toBe(process.getuid?.());
  });

  it.each([
    ["an absolute link", "ln -s /etc/shadow l", "l"],
    ["a link up", "mkdir d; ln -s ../../x d/l", "d/l"],
    ["a link through a link", "mkdir d; ln -s d e; ln -s e/../../x l", "l"],
    ["a fifo", "mkfifo pipe", "pipe"],
    ["a name that is not text", "touch \"$(printf '\\377')\"", ""],
  ])("refuses %s", async (_, command, path) => {
    const { dir, work, store } = await openBench();
    await writeFiles(work, { fine: "x" });
    execFileSync("sh", ["-c", command], { cwd: work });
    await expect(store.collect(work)).rejects.toMatchObject({
      code: "ERR_BUILD_OUTPUT_UNSAFE",
      details: { path },
    });
    expect(await readdir(join(dir, "artifacts"))).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0)("refuses devices", async () => {
    const { work, store } = await openBench();
    execFileSync("mknod", [join(work, "dev"), "c", "1", "3"]);
    await expect(store.collect(work)).rejects.toMatchObject({
      code: "ERR_BUILD_OUTPUT_UNSAFE",
      details: { path: "dev" },
    });
  });

  it("leaves sockets out and says so", async () => {
    const { work, store } = await openBench();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(work, "s.sock"), resolve));
    const { warnings, digest } = await store.collect(work);
    await new Promise((resolve) => server.close(resolve));
    expect(warnings).toEqual(["s.sock is a socket and was left out"]);
    expect(await readTree(store.pathOf(digest))).toEqual({});
  });
});

describe("the artifact store", () => {
  it.each([
    ["a changed byte", "echo more >> a"],
    ["a missing file", "rm a"],
    ["a new file", "touch b"],
    ["another mode", "chmod +x a"],
    ["nothing left", "rm -rf ../artifact; true"],
  ])("notices %s", async (_, command) => {
    const { work, store } = await openBench();
    await writeFiles(work, { a: "1" });
    const { digest } = await store.collect(work);
    await store.verify(digest);
    execFileSync("sh", ["-c", command.replace("../artifact", store.pathOf(digest))], {
      cwd: store.pathOf(digest),
    });
    await expect(store.verify(digest)).rejects.toMatchObject({ code: "ERR_ARTIFACT_DAMAGED" });
  });

  it("removes artifacts, twice, and what a crash left behind", async () => {
    const { dir, work, store } = await openBench();
    await writeFiles(work, { a: "1" });
    const { digest } = await store.collect(work);
    await mkdir(join(dir, "artifacts/.new-crashed"));
    await appendFile(join(dir, "artifacts/.new-crashed/x"), "half");
    const again = await openArtifactStore(join(dir, "artifacts"));
    expect(await again.has(digest)).toBe(true);
    await again.remove(digest);
    await again.remove(digest);
    expect(await again.has(digest)).toBe(false);
    expect(await readdir(join(dir, "artifacts"))).toEqual([]);
    expect(() => store.pathOf("../../etc")).toThrow("64 hex digits");
  });
});

describe("the plan", () => {
  it.each([
    ["debug/hello", false],
    ["debug/libx.so", false],
    ["debug/deps", true],
    ["release/build", true],
    ["wasm32-wasip2/release/incremental", true],
    ["debug/hello.d", true],
    ["CACHEDIR.TAG", true],
    ["tmp", true],
    ["doc", false],
    ["debug/assets/build/x", false],
  ])("knows whether %s is an intermediate", (path, expected) => {
    expect(isCargoIntermediate(path)).toBe(expected);
  });

  it("lists parents before children", () => {
    const plan = planCollect([{ path: "a/b/c", kind: "file", mode: 0o644, target: null }]);
    expect(plan.folders).toEqual(["a", "a/b"]);
  });
});

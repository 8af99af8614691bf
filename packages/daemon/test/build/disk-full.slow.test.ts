import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { statfsSync, writeFileSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openSourceStore } from "../../src/build/source-store.js";
import { isRoot, openBuilder } from "./builder-bench.js";
import {
  fileEntry,
  findShim,
  makeConfig,
  makeTar,
  makeTempDir,
  sha256,
  streamOf,
  uploadFiles,
} from "./helpers.js";

/** A small disk of its own, mounted over a folder of a test. */
async function mountDisk(folder: string, options: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]);
  onTestFinished(() => void execFileSync("umount", ["-l", folder]));
}

describe.runIf(isRoot)("a disk that fills up", () => {
  it("while a source is uploaded is named, and takes the upload again once there is room", async () => {
    const dir = join(await makeTempDir(), "sources");
    await mountDisk(dir, "size=2m");
    const store = await openSourceStore(dir);
    const bodies = ["a", "b", "c"].map((start) => start + randomBytes(600_000).toString("hex"));
    const { tree, missing } = await store.planUpload(bodies.map((body, at) => fileEntry(`${at}.bin`, body)));
    expect(missing).toHaveLength(3);
    const tar = makeTar(bodies.map((body) => ({ path: sha256(body), body })));
    await expect(store.receiveBlobs(tree, streamOf(tar, 64_000))).rejects.toMatchObject({
      code: "ERR_DISK_FULL",
      message: expect.stringContaining(dir) as string,
    });
    expect(await readdir(join(dir, "tmp"))).toEqual([]);
    const archive = makeTar(bodies.map((body, at) => ({ path: `${at}.bin`, body })));
    await expect(store.receiveArchive(streamOf(archive, 64_000))).rejects.toMatchObject({
      code: "ERR_DISK_FULL",
    });
    expect(await readdir(join(dir, "tmp"))).toEqual([]);

    execFileSync("mount", ["-o", "remount,size=8m", dir]);
    await store.receiveBlobs(tree, streamOf(tar, 64_000));
    await store.assertComplete(tree);
  });

  it.skipIf(findShim() === null)(
    "while an app is built is told from a full /tmp of the sandbox",
    async () => {
      const bench = await openBuilder();
      await mountDisk(join(bench.home, "build-cache/app-1"), "size=24m,mode=0700");
      const tree = await uploadFiles(bench.sources, { "a.txt": "a" });
      const fill = (path: string) => makeConfig({ hook: `head -c 60000000 /dev/zero > ${path}` });
      await expect(bench.build(tree, { config: fill("/app/large") })).rejects.toMatchObject({
        code: "ERR_DISK_FULL",
        message: expect.stringContaining("build-cache/app-1") as string,
      });
      const small = await openBuilder({ tmpBytes: 1_048_576 });
      const other = await uploadFiles(small.sources, { "a.txt": "a" });
      await expect(small.build(other, { config: fill("/tmp/large") })).rejects.toMatchObject({
        code: "ERR_BUILD_FAILED",
        hint: expect.stringContaining("/tmp holds 1 MiB") as string,
      });
      // What the failed build left goes with the next source.
      const again = await bench.build(tree, { config: makeConfig({ hook: "true" }) });
      expect(again.artifact.files).toBe(1);
    },
  );

  it.skipIf(findShim() === null)("while the artifact is kept leaves none behind", async () => {
    const bench = await openBuilder();
    const folder = join(bench.home, "artifacts");
    await mountDisk(folder, "size=1m");
    const tree = await uploadFiles(bench.sources, { "a.txt": "a" });
    const config = makeConfig({ hook: "head -c 3000000 /dev/zero > large" });
    await expect(bench.build(tree, { config })).rejects.toMatchObject({ code: "ERR_DISK_FULL" });
    expect(await readdir(folder)).toEqual([]);
    expect(statfsSync(folder).bavail).toBeGreaterThan(200);
    writeFileSync(join(folder, ".probe"), "");
  });

  it.skipIf(findShim() === null)("says so when a build starts too many processes", async ({ skip }) => {
    const bench = await openBuilder();
    if (!bench.cgroups.some((group) => group.path.includes("pids"))) skip();
    const tree = await uploadFiles(bench.sources, { "a.txt": "a" });
    const hook = "i=0; while [ $i -lt 400 ]; do sleep 30 & i=$((i+1)); done; exit 0";
    await expect(bench.build(tree, { config: makeConfig({ hook }) })).rejects.toMatchObject({
      code: "ERR_BUILD_FAILED",
      message: expect.stringContaining("limit of processes") as string,
    });
  });
});

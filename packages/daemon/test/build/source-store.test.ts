import { execFileSync } from "node:child_process";
import { readdir, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openSourceStore } from "../../src/build/source-store.js";
import {
  fileEntry,
  linkEntry,
  makeTar,
  makeTempDir,
  readTree,
  sha256,
  streamOf,
  uploadFiles,
} from "./helpers.js";

describe("uploading by content", () => {
  it("asks only for what it lacks and gives the tree back", async () => {
    const store = await openSourceStore(await makeTempDir());
    const entries = [fileEntry("b.txt", "two"), fileEntry("a.txt", "one"), linkEntry("l", "a.txt")];
    const plan = await store.planUpload(entries);
    expect(plan.missing).toEqual([sha256("one"), sha256("two")].sort());
    await expect(store.assertComplete(plan.tree)).rejects.toMatchObject({ code: "ERR_SOURCE_INCOMPLETE" });

    await store.receiveBlobs(plan.tree, streamOf(makeTar([{ path: sha256("one"), body: "one" }])));
    expect((await store.planUpload([...entries].reverse())).tree).toBe(plan.tree);
    expect((await store.planUpload(entries)).missing).toEqual([sha256("two")]);
    await store.receiveBlobs(plan.tree, streamOf(makeTar([{ path: sha256("two"), body: "two" }])));
    await store.assertComplete(plan.tree);

    const tree = await store.openTree(plan.tree);
    expect(tree.list()).toEqual(["a.txt", "b.txt", "l"]);
    expect([tree.read("a.txt"), tree.read("l"), tree.read("c")]).toEqual(["one", "one", undefined]);
    expect((await stat(tree.blobPath(sha256("one")))).mode & 0o777).toBe(0o600);
  });

  it("takes several streams at once", async () => {
    const store = await openSourceStore(await makeTempDir());
    const texts = Array.from({ length: 40 }, (_, index) => `text ${index}`.repeat(200));
    const { tree } = await store.planUpload(texts.map((text, index) => fileEntry(`f${index}`, text)));
    const tar = makeTar(texts.map((body) => ({ path: sha256(body), body })));
    await Promise.all([1, 2, 3].map(() => store.receiveBlobs(tree, streamOf(tar))));
    await expect(store.assertComplete(tree)).resolves.toBeUndefined();
  });

  it.each([
    ["other content under the name", [{ path: sha256("one"), body: "oni" }]],
    ["a larger content", [{ path: sha256("one"), body: "one and more" }]],
    ["a content nobody asked for", [{ path: sha256("else"), body: "else" }]],
    ["a path", [{ path: "../../etc/cron.d/x", body: "one" }]],
    ["a link", [{ path: sha256("one"), type: "2", link: "/etc/passwd" }]],
    ["a folder", [{ path: sha256("one"), type: "5" }]],
    ["a device", [{ path: sha256("one"), type: "3" }]],
  ])("refuses %s and keeps nothing of it", async (_, parts) => {
    const dir = await makeTempDir();
    const store = await openSourceStore(dir);
    const { tree } = await store.planUpload([fileEntry("a", "one")]);
    await expect(store.receiveBlobs(tree, streamOf(makeTar(parts)))).rejects.toMatchObject({
      code: "ERR_SOURCE_UNSAFE",
    });
    expect(await readdir(join(dir, "tmp"))).toEqual([]);
    expect((await store.planUpload([fileEntry("a", "one")])).missing).toEqual([sha256("one")]);
  });

  it("keeps whole files of a stream that was cut, and nothing half-made", async () => {
    const dir = await makeTempDir();
    const store = await openSourceStore(dir);
    const { tree } = await store.planUpload([fileEntry("a", "one"), fileEntry("b", "two".repeat(1000))]);
    const tar = makeTar([
      { path: sha256("one"), body: "one" },
      { path: sha256("two".repeat(1000)), body: "two".repeat(1000) },
    ]);
    const cut = store.receiveBlobs(tree, streamOf(tar.subarray(0, 2000)));
    await expect(cut).rejects.toMatchObject({ code: "ERR_SOURCE_INCOMPLETE" });
    expect(await readdir(join(dir, "tmp"))).toEqual([]);
    const again = await store.planUpload([fileEntry("a", "one"), fileEntry("b", "two".repeat(1000))]);
    expect(again.missing).toEqual([sha256("two".repeat(1000))]);
  });

  it("refuses unsafe and oversized manifests by name", async () => {
    const store = await openSourceStore(await makeTempDir());
    await expect(store.planUpload([fileEntry("../x")])).rejects.toMatchObject({
      code: "ERR_SOURCE_UNSAFE",
      details: { path: "../x" },
    });
    const huge = { ...fileEntry("big"), size: 5e9 };
    await expect(store.planUpload([huge])).rejects.toMatchObject({ code: "ERR_SOURCE_TOO_LARGE" });
    await expect(store.openTree("../../etc/passwd")).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
  });

  it("prunes trees that are old and not kept, with their contents", async () => {
    const dir = await makeTempDir();
    const store = await openSourceStore(dir);
    const kept = await uploadFiles(store, { a: "kept", b: "shared" });
    const old = await uploadFiles(store, { a: "old", b: "shared" });
    const longAgo = new Date(Date.now() - 10_000_000);
    for (const folder of ["trees", "blobs"]) {
      for (const path of Object.keys(await readTree(join(dir, folder)))) {
        await utimes(join(dir, folder, path), longAgo, longAgo);
      }
    }
    await store.prune({ keep: new Set([kept]), olderThanMs: 1_000_000 });
    await store.assertComplete(kept);
    await expect(store.assertComplete(old)).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
    expect(Object.keys(await readTree(join(dir, "blobs")))).toHaveLength(2);
  });
});

describe("uploading an archive", () => {
  it("takes what `tar -C dir .` writes, hard links included", async () => {
    const source = await makeTempDir();
    execFileSync(
      "sh",
      ["-c", "mkdir src && echo x > src/a && ln src/a src/b && ln -s a src/l && chmod +x src/a"],
      {
        cwd: source,
      },
    );
    const store = await openSourceStore(await makeTempDir());
    const { tree } = await store.receiveArchive(
      streamOf(execFileSync("tar", ["-C", source, "-cf", "-", "."])),
    );
    await store.assertComplete(tree);
    const { entries } = await store.openTree(tree);
    expect(entries.map((entry) => [entry.path, entry.kind])).toEqual([
      ["src/a", "file"],
      ["src/b", "file"],
      ["src/l", "link"],
    ]);
    expect(entries[0]).toMatchObject({ executable: true });
  });

  it.each([
    ["..", [{ path: "a/../../b", body: "x" }], "a/../../b"],
    ["an absolute path", [{ path: "/etc/cron.d/x", body: "x" }], "/etc/cron.d/x"],
    ["a folder outside", [{ path: "../d/", type: "5" }], "../d/"],
    ["a link out", [{ path: "d/l", type: "2", link: "../../etc/passwd" }], "d/l"],
    ["an absolute link", [{ path: "l", type: "2", link: "/etc/passwd" }], "l"],
    [
      "a file through a link",
      [
        { path: "l", type: "2", link: "d" },
        { path: "l/x", body: "x" },
      ],
      "l/x",
    ],
    ["a hard link out", [{ path: "l", type: "1", link: "/etc/passwd" }], "l"],
    ["a character device", [{ path: "dev", type: "3" }], "dev"],
    ["a block device", [{ path: "dev", type: "4" }], "dev"],
    ["a fifo", [{ path: "pipe", type: "6" }], "pipe"],
    [
      "the same path twice",
      [
        { path: "a", body: "1" },
        { path: "./a", body: "2" },
      ],
      "a",
    ],
    ["something in .git", [{ path: ".git/hooks/pre-commit", body: "x" }], ".git/hooks/pre-commit"],
  ])("refuses %s and keeps nothing", async (_, parts, path) => {
    const dir = await makeTempDir();
    const store = await openSourceStore(dir);
    const tar = makeTar([{ path: "fine.txt", body: "fine" }, ...parts]);
    await expect(store.receiveArchive(streamOf(tar))).rejects.toMatchObject({
      code: "ERR_SOURCE_UNSAFE",
      details: { path },
    });
    expect(await readTree(dir)).toEqual({});
  });

  it("leaves nothing of an archive that is cut anywhere", async () => {
    const tar = makeTar([
      { path: "a", body: "one" },
      { path: "b", body: "two".repeat(500) },
    ]);
    for (const length of [100, 512, 600, 1024, 1500, tar.length - 1024, tar.length - 512]) {
      const dir = await makeTempDir();
      const store = await openSourceStore(dir);
      const cut = store.receiveArchive(streamOf(tar.subarray(0, length)));
      await expect(cut).rejects.toMatchObject({ code: "ERR_SOURCE_INCOMPLETE" });
      expect(await readTree(dir)).toEqual({});
    }
  });

  it("meets damaged archives with a BloomError and writes nothing outside", async () => {
    const outer = await makeTempDir();
    const store = await openSourceStore(join(outer, "store"));
    const tar = makeTar([
      { path: "a/b", body: "text" },
      { path: "l", type: "2", link: "a/b" },
      { path: "c/", type: "5" },
    ]);
    const mutation = fc.record({
      at: fc.nat({ max: tar.length - 1 }),
      byte: fc.constantFrom(0, 46, 47, 50, 53, 255),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
        const bytes = Buffer.from(tar);
        for (const { at, byte } of mutations) bytes[at] = byte;
        // Checksums made right again: else nearly every change would end at the first check.
        for (const at of [0, 1024, 1536]) fixChecksum(bytes.subarray(at, at + 512));
        await store
          .receiveArchive(streamOf(bytes))
          .catch((error: unknown) => expect(error).toBeInstanceOf(BloomError));
      }),
      { numRuns: 200 },
    );
    expect(await readdir(outer)).toEqual(["store"]);
    expect(await readdir(join(outer, "store", "tmp"))).toEqual([]);
  });
});

function fixChecksum(header: Buffer): void {
  header.write("        ", 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
}

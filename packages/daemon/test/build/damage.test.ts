import { appendFile, chmod, readFile, rename, rm, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openArtifactStore } from "../../src/build/artifact-store.js";
import { makeFolder, makeTempDir } from "./helpers.js";

async function openStore() {
  const dir = await makeTempDir();
  const work = await makeFolder(dir, "work");
  await makeFolder(work, "static");
  await writeFile(join(work, "app"), "a program", { mode: 0o755 });
  await writeFile(join(work, "static/index.html"), "<p>hello");
  const store = await openArtifactStore(join(dir, "artifacts"));
  const { digest } = await store.collect(work);
  return { dir, work, store, digest, file: join(store.pathOf(digest), "static/index.html") };
}

describe("an artifact that changes on disk", () => {
  it("is sound when nothing has touched it, also without its index", async () => {
    const { store, digest, dir } = await openStore();
    await store.check(digest);
    await rm(join(dir, "artifacts", `${digest}.files`));
    await store.check(digest);
    await store.check(digest);
    await store.verify(digest);
    expect(await store.list()).toEqual([digest]);
  });

  it.each<[string, (file: string) => Promise<unknown>]>([
    ["a longer file", (file) => appendFile(file, "x")],
    ["other bytes of the same length", (file) => writeFile(file, "<p>HELLO")],
    ["a missing file", (file) => unlink(file)],
    ["another name", (file) => rename(file, `${file}l`)],
    ["another mode", (file) => chmod(file, 0o755)],
    ["one file more", (file) => writeFile(join(file, "../more"), "")],
  ])("is found out: %s", async (_, damage) => {
    const { store, digest, file, work } = await openStore();
    await damage(file);
    await expect(store.check(digest)).rejects.toMatchObject({ code: "ERR_ARTIFACT_DAMAGED" });
    await expect(store.verify(digest)).rejects.toMatchObject({ code: "ERR_ARTIFACT_DAMAGED" });
    // The same output again takes its place.
    expect((await store.collect(work)).digest).toBe(digest);
    await store.check(digest);
    await store.verify(digest);
    expect(await readFile(file, "utf8")).toBe("<p>hello");
  });

  it("with its bytes turned but sizes and times kept is found out by reading it", async () => {
    const { store, digest, file } = await openStore();
    const { atime, mtime } = await stat(file);
    await writeFile(file, "<p>HELLO");
    await utimes(file, atime, mtime);
    await expect(store.verify(digest)).rejects.toMatchObject({ code: "ERR_ARTIFACT_DAMAGED" });
  });

  it("that is gone is damaged, too", async () => {
    const { store, digest } = await openStore();
    await store.remove(digest);
    await expect(store.check(digest)).rejects.toMatchObject({ code: "ERR_ARTIFACT_DAMAGED" });
  });
});

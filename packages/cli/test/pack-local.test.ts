import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { list } from "tar";
import { expect, onTestFinished, test } from "vitest";
import { packLocal } from "../src/inside/pack-local.js";

async function makeFolder(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "bloom-pack-"));
  onTestFinished(() => rm(root, { recursive: true }));
  return root;
}

test("leaves out what has no end, and keeps the times of folders", async () => {
  const root = await makeFolder();
  await mkdir(join(root, "folder"));
  await writeFile(join(root, "folder/note.txt"), "x");
  execFileSync("mkfifo", [join(root, "pipe")]);
  await utimes(join(root, "folder"), 1_000_000_000, 1_000_000_000);
  const packing = packLocal(root, "");
  const times: Record<string, number | undefined> = {};
  await pipeline(
    packing.stream,
    list({
      onReadEntry({ path, mtime }) {
        times[path] = mtime?.getTime();
      },
    }),
  );
  expect(Object.keys(times).sort()).toEqual(["./", "./folder/", "./folder/note.txt"]);
  expect(times["./folder/"]).toBe(1_000_000_000_000);
  expect(packing).toMatchObject({
    counts: { files: 1, bytes: 1 },
    skipped: ["pipe: a device, a pipe or a socket"],
  });
});

test("a name that is not UTF-8 is said to be that", async () => {
  const root = await makeFolder();
  await writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x61, 0xe9])]), "x");
  const packing = packLocal(root, "");
  await expect(packing.stream.resume().toArray()).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  expect(packing.failure()?.message).toMatch(/^the name of .*a\uFFFD is not valid UTF-8$/);
});

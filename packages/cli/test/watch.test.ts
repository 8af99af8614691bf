import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { watchProject, type ProjectWatch } from "../src/project/watch.js";

let root: string;
let watch: ProjectWatch;
const signal = new AbortController().signal;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "bloom-watch-"));
  await mkdir(join(root, "src"));
  await mkdir(join(root, "ignored"));
  await writeFile(join(root, ".gitignore"), "/ignored\n");
  await writeFile(join(root, "src", "main.rs"), "one\n");
  watch = await watchProject(root, 20);
});
afterEach(async () => {
  watch.close();
  await rm(root, { recursive: true });
});

/** Waits for the next change. */
const change = (): Promise<string> => watch.next(signal).then(() => "changed");

/** Whether the watch has already told of a change, without waiting for one. */
async function hasTold(): Promise<boolean> {
  const now = AbortSignal.timeout(300);
  return watch.next(now).then(
    () => true,
    () => false,
  );
}

test("a file that is written, removed or moved is a change", async () => {
  await appendFile(join(root, "src", "main.rs"), "two\n");
  expect(await change()).toBe("changed");
  await rename(join(root, "src", "main.rs"), join(root, "src", "lib.rs"));
  expect(await change()).toBe("changed");
  await rm(join(root, "src", "lib.rs"));
  expect(await change()).toBe("changed");
});

test("a new folder is watched, also one that takes the place of another", async () => {
  await mkdir(join(root, "src", "deep"));
  expect(await change()).toBe("changed");
  await writeFile(join(root, "src", "deep", "new.rs"), "");
  expect(await change()).toBe("changed");
  await rm(join(root, "src", "deep"), { recursive: true });
  await mkdir(join(root, "src", "deep"));
  expect(await change()).toBe("changed");
  await writeFile(join(root, "src", "deep", "new.rs"), "");
  expect(await change()).toBe("changed");
});

test("many changes at once are one, and those before the call count", async () => {
  for (let n = 0; n < 20; n++) await writeFile(join(root, "src", `${n}.rs`), "");
  expect(await change()).toBe("changed");
  expect(await hasTold()).toBe(false);
});

test("what is ignored is no change", async () => {
  await writeFile(join(root, "ignored", "out"), "");
  expect(await hasTold()).toBe(false);
});

test("an abort ends the waiting, and nothing is told after close", async () => {
  const abort = new AbortController();
  const waiting = watch.next(abort.signal);
  abort.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  await expect(watch.next(abort.signal)).rejects.toThrow("enough");
  watch.close();
  await writeFile(join(root, "src", "main.rs"), "");
  expect(await hasTold()).toBe(false);
});

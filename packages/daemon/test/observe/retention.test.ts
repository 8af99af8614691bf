import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { applyRetention, planRetention } from "../../src/observe/retention.js";

const limits = { sure: 2, most: 5, bytes: 100 };
const sized = (...bytes: number[]) => bytes.map((size, index) => ({ id: `i-${index}`, bytes: size }));

test.each([
  [sized(), []],
  [sized(900, 900), []],
  [sized(900, 900, 1), ["i-2"]],
  [sized(10, 10, 10, 10, 10), []],
  [sized(10, 10, 10, 10, 10, 10, 0), ["i-5", "i-6"]],
  [sized(10, 10, 70, 20, 10), ["i-3", "i-4"]],
])("of %j go %j", (ended, gone) => {
  expect(planRetention(ended, limits)).toEqual(gone);
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-retention-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("folders go by the size of their logs; one that is gone already is no trouble", async () => {
  const ids = ["i-0", "i-1", "i-2", "i-3", "i-4"];
  for (const id of ids) {
    await mkdir(join(folder, id, "log"), { recursive: true });
    await writeFile(join(folder, id, "log", "app.log"), "x".repeat(30));
  }
  const dirOf = (id: string): string => join(folder, id);
  await applyRetention(ids, dirOf, limits);
  expect((await readdir(folder)).toSorted()).toEqual(["i-0", "i-1", "i-2"]);
  await applyRetention(["i-gone", ...ids], dirOf, limits);
  expect((await readdir(folder)).toSorted()).toEqual(["i-0", "i-1", "i-2"]);
});

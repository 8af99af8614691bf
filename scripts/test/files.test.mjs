import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { test } from "node:test";
import { hashFiles } from "../lib/hash-files.mjs";
import { findLeaks, takeSnapshot } from "../lib/leaks.mjs";
import { root } from "../lib/paths.mjs";
import { CommandError, runQuietly } from "../lib/run-command.mjs";
import { readText, writeWhole } from "../lib/stamps.mjs";

function makeFolder(t, prefix = "scripts-") {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("the hash follows names and contents and ignores results", (t) => {
  const folder = makeFolder(t);
  const hash = () => hashFiles([relative(root, folder), relative(root, join(folder, "absent"))]);
  writeFileSync(join(folder, "a"), "one");
  const first = hash();
  assert.equal(hash(), first);
  for (const results of ["dist", "target", "node_modules"]) {
    mkdirSync(join(folder, results));
    writeFileSync(join(folder, results, "x"), "result");
  }
  assert.equal(hash(), first);
  writeFileSync(join(folder, "a"), "two");
  const second = hash();
  assert.notEqual(second, first);
  writeFileSync(join(folder, "absent"), "");
  assert.notEqual(hash(), second);
});

test("a file is replaced whole, without a trace of the attempt", (t) => {
  const folder = makeFolder(t);
  const file = join(folder, "new", "stamp");
  assert.equal(readText(file), undefined);
  writeWhole(file, "a");
  writeWhole(file, "b");
  assert.equal(readText(file), "b");
  assert.deepEqual(readdirSync(join(folder, "new")), ["stamp"]);
});

test("a command's failure carries what it said; stdout is kept apart", async () => {
  const script = (code) => [
    process.execPath,
    "-e",
    `console.log("out"); console.error("err"); process.exit(${code})`,
  ];
  assert.equal((await runQuietly(script(0))).stdout, "out\n");
  await assert.rejects(runQuietly(script(3)), (error) => {
    assert.ok(error instanceof CommandError);
    assert.match(error.message, /ended with code 3$/);
    return /out/.test(error.output) && /err/.test(error.output);
  });
});

test("a program that does not exist, and one that takes too long, fail in words", async () => {
  await assert.rejects(runQuietly(["/nowhere/at-all"]), /could not be started/);
  const endless = [process.execPath, "-e", "setInterval(() => {}, 1000)"];
  await assert.rejects(runQuietly(endless, { timeoutMs: 200 }), /was ended by SIGTERM/);
});

test("what is left behind is named, what was there before is not", async (t) => {
  const old = makeFolder(t, "bloom-old-");
  const before = await takeSnapshot();
  const left = makeFolder(t, "bloom-left-");
  const leaks = (await findLeaks(before, 0)).join("\n");
  assert.ok(leaks.includes(basename(left)));
  assert.ok(!leaks.includes(basename(old)));
});

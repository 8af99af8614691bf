import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import {
  openInvocationFiles,
  type FileOptions,
} from "../../../../src/deploy/function/invoke/invocation-files.js";
import { makeRequest } from "./harness.js";

async function open(options?: FileOptions) {
  const folder = join(await mkdtemp(join(tmpdir(), "bloom-files-")), "invocations");
  onTestFinished(() => rm(join(folder, ".."), { recursive: true }));
  return { folder, files: await openInvocationFiles(folder, options) };
}

test("what is written is read, byte by byte, by its owner alone", async () => {
  const { folder, files } = await open({ syncs: true });
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.string(), async (bytes, text) => {
      const payload = Buffer.from(bytes);
      const kept = { request: { ...makeRequest(`/${encodeURIComponent(text)}`), payload }, version: 3 };
      await files.writeRequest("x-1", kept);
      expect(await files.readRequest("x-1")).toEqual(kept);
      const answer = { status: 200, headers: { "x-own": text }, body: payload, truncated: true };
      await files.writeAnswer("x-1", answer);
      expect(await files.readAnswer("x-1")).toEqual(answer);
    }),
    { numRuns: 30 },
  );
  expect((await readdir(folder)).toSorted()).toEqual(["x-1.answer", "x-1.request"]);
  for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  await files.removeRequest("x-1");
  await files.removeRequest("x-1");
  expect(await files.readRequest("x-1")).toBeUndefined();
});

test("a damaged file is as none; a name that is no id is refused", async () => {
  const { folder, files } = await open();
  for (const text of ["", "{}", "{}\n", '{"http":1}\nx', "no json\nx"]) {
    await writeFile(join(folder, "x-2.request"), text);
    expect(await files.readRequest("x-2")).toBeUndefined();
  }
  for (const id of ["../x", "x-../a", "", "x-", "x-a.request", `x-${"a".repeat(65)}`]) {
    await expect(files.readRequest(id)).rejects.toThrow("is no id");
  }
});

test("files without an execution are swept when they are not fresh", async () => {
  const { folder, files } = await open({ freshMs: 0 });
  for (const id of ["x-1", "x-2"]) await files.writeRequest(id, { request: makeRequest(), version: null });
  await writeFile(join(folder, "x-3.request.new"), "half");
  await new Promise((resolve) => setTimeout(resolve, 5));
  const young = await openInvocationFiles(folder);
  expect(await young.sweep(async () => new Set())).toBe(0);
  expect(await files.sweep(async (ids) => new Set(ids.filter((id) => id === "x-1")))).toBe(2);
  expect(await readdir(folder)).toEqual(["x-1.request"]);
});

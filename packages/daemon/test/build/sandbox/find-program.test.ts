import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, onTestFinished } from "vitest";
import { findProgram } from "../../../src/build/sandbox/find-program.js";

test("looks through PATH first, then the other folders, and takes only what can be run", async () => {
  const root = await mkdtemp(join(tmpdir(), "bloomery-path-"));
  onTestFinished(() => rm(root, { recursive: true }));
  const place = async (folder: string, name: string, mode: number): Promise<string> => {
    await mkdir(join(root, folder), { recursive: true });
    await writeFile(join(root, folder, name), "#!/bin/sh\n");
    await chmod(join(root, folder, name), mode);
    return join(root, folder, name);
  };
  const inPath = await place("a", "tool", 0o755);
  const elsewhere = await place("b", "tool", 0o755);
  await place("a", "other", 0o644);
  const other = await place("b", "other", 0o755);
  const env = { PATH: `:relative:${join(root, "a")}` };
  expect(await findProgram("tool", env, [join(root, "b")])).toBe(inPath);
  expect(await findProgram("other", env, [join(root, "b")])).toBe(other);
  expect(await findProgram("tool", {}, [join(root, "b")])).toBe(elsewhere);
  expect(await findProgram("tool", env, [])).toBe(inPath);
  expect(await findProgram("missing", env, [join(root, "b")])).toBeNull();
});

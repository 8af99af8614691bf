import { lstat, mkdir, mkdtemp, readFile, readlink, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findStale } from "../../src/prefork/find-stale.js";
import { layFolder } from "../../src/prefork/lay-folder.js";

let root = "";
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), "bloom-lay-"))));
afterEach(() => rm(root, { recursive: true }));

async function write(path: string, text: string, seconds = 1000): Promise<void> {
  await mkdir(join(root, path, ".."), { recursive: true });
  await writeFile(join(root, path), text);
  await utimes(join(root, path), seconds, seconds);
}

test("a folder looks like another one, with some files otherwise, and that one stays as it is", async () => {
  for (const path of ["Cargo.toml", "src/lib.rs", "part/Cargo.toml", "part/src/lib.rs", "target/x", ".env"]) {
    await write(`from/${path}`, "old");
  }
  const files = new Map([
    ["Cargo.toml", "new"],
    ["part/Cargo.toml", "new"],
    ["Cargo.lock", "new"],
  ]);
  const to = join(root, "to");
  await layFolder(join(root, "from"), to, files, new Set(["target"]));
  const read = (path: string): Promise<string> => readFile(join(to, path), "utf8");
  for (const path of files.keys()) expect(await read(path)).toBe("new");
  for (const path of ["src/lib.rs", "part/src/lib.rs", ".env"]) expect(await read(path)).toBe("old");
  expect(await readlink(join(to, "src"))).toBe(join(root, "from/src"));
  await expect(lstat(join(to, "target"))).rejects.toThrow("ENOENT");
  expect(await readFile(join(root, "from/Cargo.toml"), "utf8")).toBe("old");
  expect(await readFile(join(root, "from/part/Cargo.toml"), "utf8")).toBe("old");
});

test("a library is old when it is not there, or when something it is made from is younger", async () => {
  await write("app.rs", "", 2000);
  await write("part.rs", "", 3000);
  await write("old.so", "", 2500);
  await write("even.so", "", 3000);
  const sources = ["app.rs", "part.rs"];
  const stale = findStale(
    root,
    ["none.so", "old.so", "even.so"].map((path) => ({ path, sources })),
  );
  expect(stale.map(({ path }) => path)).toEqual(["none.so", "old.so"]);
});

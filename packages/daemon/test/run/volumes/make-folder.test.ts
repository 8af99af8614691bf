import { chmod, chown, lstat, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makeFolder } from "../../../src/run/volumes/make-folder.js";

const isRoot = process.getuid?.() === 0;
const app = { uid: 1_900_000_010, gid: 1_900_000_010 };

async function makeBase(): Promise<string> {
  const base = await mkdtemp(join(tmpdir(), "bloomery-volume-"));
  onTestFinished(() => rm(base, { recursive: true }));
  return base;
}

test("makes what is missing so that it can be passed through, whatever the umask", async () => {
  const base = await makeBase();
  const before = process.umask(0o077);
  try {
    expect(await makeFolder(base, ["a", "b c"], null)).toBe(join(base, "a/b c"));
  } finally {
    process.umask(before);
  }
  expect((await stat(join(base, "a"))).mode & 0o777).toBe(0o755);
  expect((await stat(join(base, "a/b c"))).mode & 0o777).toBe(0o755);
});

test("leaves what is there as it is, and may be called again", async () => {
  const base = await makeBase();
  await makeFolder(base, ["a"], null);
  await writeFile(join(base, "a/file"), "kept");
  await chmod(join(base, "a"), 0o700);
  await makeFolder(base, ["a"], null);
  expect(await readdir(join(base, "a"))).toEqual(["file"]);
  expect((await stat(join(base, "a"))).mode & 0o777).toBe(0o700);
});

test.runIf(isRoot)(
  "gives the folder to the app; on the way, whoever has the one above keeps the next",
  async () => {
    const base = await makeBase();
    await makeFolder(base, ["x", "y"], app);
    expect((await stat(join(base, "x"))).uid).toBe(0);
    expect((await stat(join(base, "x/y"))).uid).toBe(app.uid);
    await makeFolder(base, ["x", "y", "z", "leaf"], app);
    expect((await stat(join(base, "x/y/z"))).uid).toBe(app.uid);
    await chown(join(base, "x/y/z/leaf"), 0, 0);
    await makeFolder(base, ["x", "y", "z", "leaf"], app);
    expect((await stat(join(base, "x/y/z/leaf"))).uid).toBe(app.uid);
  },
);

test.each([
  ["a link in its place", ["link"]],
  ["a link on the way", ["link", "inner"]],
  ["a file in its place", ["file"]],
  ["a file on the way", ["file", "inner"]],
  ["a link that leads nowhere", ["dangling"]],
])("refuses %s, and touches nothing behind it", async (_, names) => {
  const base = await makeBase();
  const outside = await makeBase();
  await mkdir(join(base, "real"));
  await writeFile(join(base, "file"), "");
  await symlink(outside, join(base, "link"));
  await symlink("nowhere", join(base, "dangling"));
  const owner = isRoot ? app : null;
  await expect(makeFolder(base, names, owner)).rejects.toMatchObject({ code: "ERR_VOLUME_SETUP" });
  expect(await readdir(outside)).toEqual([]);
  expect((await stat(outside)).uid).not.toBe(app.uid);
  expect((await lstat(join(base, "link"))).isSymbolicLink()).toBe(true);
});

test.each([[[".."]], [["."]], [["a/b"]], [["a", "../../b"]]])("refuses %j as names", async (names) => {
  await expect(makeFolder(await makeBase(), names, null)).rejects.toMatchObject({ code: "ERR_VOLUME_SETUP" });
});

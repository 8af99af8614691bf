import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findHiddenByMounts } from "../../src/run/find-hidden.js";

/** An artifact with these files; a name that ends with a slash is a folder. */
async function makeArtifact(names: readonly string[]): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "bloomery-hidden-"));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const name of names) {
    await mkdir(name.endsWith("/") ? join(root, name) : dirname(join(root, name)), { recursive: true });
    if (!name.endsWith("/")) await writeFile(join(root, name), "");
  }
  return root;
}

test.each<[string, string[], string[], string[]]>([
  ["nothing there", ["main"], ["data"], []],
  ["an empty folder", ["data/"], ["data"], []],
  ["a file within", ["data/a"], ["data", "other"], ["data"]],
  ["a folder within", ["data/a/"], ["data"], ["data"]],
  ["a file in its place", ["data"], ["data"], ["data"]],
  ["a place for a mount within", ["var/cache/"], ["var", "var/cache"], []],
  ["the way to a mount within", ["var/a/b/"], ["var", "var/a/b"], []],
  ["something beside a mount within", ["var/a/b/", "var/a/c"], ["var", "var/a/b"], ["var"]],
  ["something only in a mount within", ["var/cache/x"], ["var", "var/cache"], ["var/cache"]],
  ["a name that begins alike", ["data/", "data2/x"], ["data"], []],
])("%s", async (_, files, mounts, hidden) => {
  const root = await makeArtifact(files);
  const config = Object.fromEntries(mounts.map((path) => [path, {}]));
  expect(await findHiddenByMounts(root, config)).toEqual(hidden);
});

test("a link in its place", async () => {
  const root = await makeArtifact(["real/"]);
  await symlink("real", join(root, "data"));
  expect(await findHiddenByMounts(root, { data: {} })).toEqual(["data"]);
});

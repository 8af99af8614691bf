import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lookUpFile } from "../../src/api/look-up-file.js";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bloom-look-"));
  await mkdir(join(root, "artifact/public/uploads"), { recursive: true });
  await mkdir(join(root, "mount/deep"), { recursive: true });
  await writeFile(join(root, "secret"), "");
  await writeFile(join(root, "artifact/public/index.html"), "");
  await writeFile(join(root, "artifact/public/uploads/hidden"), "");
  await writeFile(join(root, "mount/deep/a.png"), "");
  await symlink("index.html", join(root, "artifact/public/start.html"));
  await symlink("../../secret", join(root, "artifact/public/out"));
  await symlink("deep", join(root, "mount/link"));
  await symlink(join(root, "secret"), join(root, "mount/out"));
});
afterAll(() => rm(root, { recursive: true }));

test.each([
  ["", "folder"],
  ["public", "folder"],
  ["public//./index.html", "file"],
  ["public/start.html", "file"],
  ["public/none", "nothing"],
  ["public/out", "nothing"],
  ["public/../../secret", "nothing"],
  ["public/index.html/x", "nothing"],
  ["public/nul\0", "nothing"],
  ["public/uploads", "folder"],
  ["public/uploads/deep/a.png", "file"],
  ["public/uploads/hidden", "nothing"],
  ["public/uploads/link", "nothing"],
  ["public/uploads/link/a.png", "nothing"],
  ["public/uploads/out", "nothing"],
  ["public/uploads/deep/a.png/x", "nothing"],
])("%j is %s", (path, expected) => {
  const mounts = [{ path: "public/uploads", source: join(root, "mount") }];
  expect(lookUpFile({ artifactDir: join(root, "artifact"), mounts }, path)).toBe(expected);
});

test("without an artifact there is nothing", () => {
  expect(lookUpFile({ artifactDir: null, mounts: [] }, "public")).toBe("nothing");
});

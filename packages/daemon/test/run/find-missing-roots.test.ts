import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findMissingRoots } from "../../src/run/find-missing-roots.js";

test("only roots that are neither a folder nor in a mount", async () => {
  const artifact = await mkdtemp(join(tmpdir(), "bloomery-roots-"));
  onTestFinished(() => rm(artifact, { recursive: true }));
  await mkdir(join(artifact, "public", "docs"), { recursive: true });
  await writeFile(join(artifact, "file"), "");
  const roots = {
    "/": "public",
    "/docs": "public/docs",
    "/app": "",
    "/none": "nosuch",
    "/near": "uploads2",
    "/file": "file",
    "/up": "uploads",
    "/below": "uploads/a/b",
    "/api": null,
  };
  const locations = Object.fromEntries(Object.entries(roots).map(([path, root]) => [path, { root }]));
  expect(await findMissingRoots(artifact, locations, { uploads: {} })).toEqual([
    { location: "/none", root: "nosuch" },
    { location: "/near", root: "uploads2" },
    { location: "/file", root: "file" },
  ]);
});

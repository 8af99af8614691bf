import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { completeConfig, routeExplanation } from "@bloomery/contract";
import { explainRequest } from "../../src/api/explain-request.js";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bloom-explain-"));
  await mkdir(join(root, "artifact/public"), { recursive: true });
  await mkdir(join(root, "mount"));
  await writeFile(join(root, "artifact/public/style.css"), "");
  await writeFile(join(root, "mount/photo.png"), "");
});
afterAll(() => rm(root, { recursive: true }));

test.each([
  ["/style.css", { outcome: "static", file: { path: "public/style.css", found: "file" } }],
  ["/none.css", { outcome: "app", file: { path: "public/none.css", found: "nothing" } }],
  ["/uploads/photo.png", { outcome: "static", location: { path: "/uploads", root: "public/uploads" } }],
  ["/uploads/none.png", { outcome: "missing", status: 404 }],
])("%s is explained with the files of the artifact and the mounts", async (url, expected) => {
  const { locations } = completeConfig({
    web: {
      start: "true",
      locations: { "/": { root: "public" }, "/uploads": { root: "public/uploads", passthru: false } },
    },
  }).web;
  const facts = {
    streams: [],
    hostNames: ["shop.localhost"],
    state: "running" as const,
    locations,
    mounts: [{ path: "public/uploads", source: join(root, "mount") }],
    function: null,
    artifactDir: join(root, "artifact"),
  };
  const explanation = await explainRequest(facts, { url, method: "GET" });
  expect(routeExplanation.parse(explanation)).toMatchObject(expected);
});

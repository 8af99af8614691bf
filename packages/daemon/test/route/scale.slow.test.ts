import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { completeLocation, type LocationConfig } from "@bloomery/contract";
import { call } from "./call.js";
import { openBench, type NginxBench } from "./real-nginx.js";
import { makeTarget } from "./targets.js";

let bench: NginxBench;
let tree: string;
beforeAll(async () => {
  bench = await openBench();
  tree = join(bench.home, "tree");
  await mkdir(join(tree, "public"), { recursive: true });
  await writeFile(join(tree, "public/file.txt"), "file");
});
afterAll(() => bench.close());

function makeLocations(generation: number): Record<string, LocationConfig> {
  const places = Array.from({ length: 20 }, (_, index): [string, LocationConfig] => [
    `/l${index}`,
    completeLocation({
      root: "public",
      passthru: index % 2 === 0,
      expiresSeconds: 60 + generation,
      rules: index % 5 === 0 ? [{ pattern: "\\.css$", expiresSeconds: 3600 }] : [],
    }),
  ]);
  return { "/": completeLocation({}), ...Object.fromEntries(places) };
}

test("200 apps with 20 locations each: one changed route is soon in force", async () => {
  const targets = (generation: number) =>
    Array.from({ length: 200 }, (_, app) =>
      makeTarget({
        environmentId: `e-${app}`,
        app: `app${app}`,
        hostNames: [`app${app}-local.localhost`],
        locations: makeLocations(app === 0 ? generation : 0),
        holdSocket: `/nonexistent/hold-${app}.sock`,
        artifactDir: tree,
      }),
    );
  await bench.serve(targets(0));
  const times: number[] = [];
  for (let round = 1; round <= 5; round++) {
    const begin = performance.now();
    await bench.serve(targets(round));
    times.push(performance.now() - begin);
    const answer = await call(bench.port, { host: "app0-local.localhost", path: "/l1/file.txt" });
    expect(answer).toMatchObject({ status: 200, headers: { "cache-control": `max-age=${60 + round}` } });
  }
  // The bench publishes the number; here only what no machine should reach.
  expect(Math.min(...times)).toBeLessThan(2000);
});

test("100 locations with 50 rules each load, and the last rule of the last one decides", async () => {
  const locations = Object.fromEntries(
    Array.from({ length: 100 }, (_, index): [string, LocationConfig] => [
      `/l${index}`,
      completeLocation({
        root: "public",
        rules: Array.from({ length: 50 }, (_unused, rule) => ({
          pattern: `^/l${index}/(?<part>[a-z]+)-${rule}\\.html$`,
          passthru: `/app-${rule}?part=$part`,
          expiresSeconds: rule,
        })),
      }),
    ]),
  );
  const servers = [{ kind: "unix", path: "/nonexistent/app.sock" } as const];
  await bench.serve([
    makeTarget({ servers, locations: { "/": completeLocation({}), ...locations }, artifactDir: tree }),
  ]);
  const answer = await call(bench.port, { path: "/l99/file.txt" });
  expect(answer).toMatchObject({ status: 200, body: "file" });
  expect((await call(bench.port, { path: "/l99/some-49.html" })).status).toBe(502);
});

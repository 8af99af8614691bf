import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { afterEach, expect, test } from "vitest";
import type { NginxCoreOptions } from "../../src/route/open-nginx.js";
import { call } from "./call.js";
import { nginxUser, openBench, type NginxBench } from "./real-nginx.js";
import { makeTarget } from "./targets.js";
import { waitUntil } from "./wait-until.js";

let opened: NginxBench | undefined;
afterEach(() => opened?.close());

async function open(wish: Partial<NginxCoreOptions> = {}): Promise<NginxBench> {
  opened = await openBench(wish);
  return opened;
}

const stopped = makeTarget({ environmentId: "env-a", hostNames: ["a.localhost"], state: "stopped" });

test("every request is one line of JSON, whatever it contains", async () => {
  const bench = await open();
  await bench.serve([stopped]);
  await call(bench.port, {
    host: "a.localhost",
    path: '/x?q="%22\\',
    headers: { "user-agent": 'evil "}\\ agent' },
  });
  await call(bench.port, { host: "nobody.localhost" });
  // Each worker writes its own buffer: the lines of two requests may come in any order.
  const written = await waitForLines(bench.paths.accessLog, 2);
  const lines = written.toSorted((a, b) => Number(a["at"]) - Number(b["at"]));
  expect(lines[0]).toMatchObject({
    env: "env-a",
    app: "local:shop",
    host: "a.localhost",
    uri: '/x?q="%22\\',
    status: 503,
    client: "127.0.0.1",
    agent: 'evil "}\\ agent',
  });
  expect(lines[1]).toMatchObject({ env: "", app: "", host: "nobody.localhost", status: 404 });
});

test("labels are read back as they are, whatever they hold", async () => {
  const bench = await open();
  const labels = { environmentId: `e'"\\n$host\n`, org: "o${uri}'", app: 'a\\"é' };
  await bench.serve([{ ...stopped, ...labels }]);
  await call(bench.port, { host: "a.localhost" });
  const [line] = await waitForLines(bench.paths.accessLog, 1);
  expect(line).toMatchObject({ env: labels.environmentId, app: `${labels.org}:${labels.app}` });
});

test("a log that has grown too large is moved and a new one begun", async () => {
  const bench = await open({ rotation: { maxBytes: 10, files: 3 } });
  await bench.serve([stopped]);
  await call(bench.port, { host: "a.localhost", path: "/before" });
  await waitForLines(bench.paths.accessLog, 1);
  await bench.nginx.rotateLogs();
  await waitUntil(() => existsSync(bench.paths.accessLog));
  await call(bench.port, { host: "a.localhost", path: "/after" });
  expect(await waitForLines(bench.paths.accessLog, 1)).toMatchObject([{ uri: "/after" }]);
  expect(await waitForLines(`${bench.paths.accessLog}.1`, 1)).toMatchObject([{ uri: "/before" }]);
  expect((await stat(bench.paths.accessLog)).uid).toBe(nginxUser?.uid ?? process.getuid?.());
});

async function waitForLines(file: string, count: number): Promise<readonly Record<string, unknown>[]> {
  let lines: readonly string[] = [];
  await waitUntil(async () => {
    const text = await readFile(file, "utf8").catch(() => "");
    lines = text.split("\n").filter((line) => line !== "");
    return lines.length >= count;
  });
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

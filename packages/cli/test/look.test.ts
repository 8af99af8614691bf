import { afterEach, beforeEach, expect, test } from "vitest";
import type { InstanceView } from "@bloomery/contract";
import { app, environment } from "./documents.js";
import { run, startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";

let daemon: FakeDaemon;
beforeEach(async () => void (daemon = await startFakeDaemon()));
afterEach(() => daemon.close());

const ready: InstanceView = {
  ...{ id: "i-1", org: "local", app: "shop", environment: "main", version: 3, role: "web", replica: 0 },
  ...{ state: "ready", pid: 4711, restarts: 1, startedAt: "2026-01-01T00:00:00.000Z", memoryBytes: 1000 },
  ...{ connections: 0, address: "127.0.0.1:8888", lastExit: null, lastProbe: null, workers: null },
};

async function ps(instance: Partial<InstanceView>): Promise<string> {
  daemon.answers.listInstances = { body: { instances: [{ ...ready, ...instance }], troubles: [] } };
  return (await run(["ps"], { BLOOM_API: daemon.url })).stdout;
}

test("ps says how an instance ended last, also when it is up again", async () => {
  const lastExit = "killed: it used more than its 64 MB of memory, after 2.5 s";
  expect(await ps({ lastExit })).toContain(lastExit);
  expect(await ps({ lastExit, state: "crashed" })).toContain(lastExit);
});

test("ps shows workers, threads and how many of them are at work, only where there are workers", async () => {
  const thread = { core: 0, state: "idle", requests: 1 } as const;
  const busy = { core: 1, state: "busy", requests: 2 } as const;
  const worker = { pid: 1, state: "idle", accepting: true, requests: 3, memoryBytes: 1, ageSeconds: 1 };
  const workers = [
    { ...worker, id: 1, threads: [thread, busy] },
    { ...worker, id: 2, threads: [busy, busy] },
    { ...worker, id: 3, pid: null, state: "cheap", threads: [] },
  ];
  const shown = await ps({ workers });
  expect(shown).toContain("WORKERS");
  expect(shown).toContain("3×2 · 3 busy");
  expect(await ps({ workers: [] })).toContain("0×0 · 0 busy");
  expect(await ps({})).not.toContain("WORKERS");
});

test("ps says what a probe saw only while it is waited for", async () => {
  const lastProbe = "connection refused";
  expect(await ps({ lastProbe, state: "starting" })).toContain(lastProbe);
  expect(await ps({ lastProbe })).not.toContain(lastProbe);
});

test("status and ps say why an environment does not start, even when it has no instance", async () => {
  const trouble = "the app does not stay up: exit code 1";
  const hurt = { ...environment, health: "starting", instances: { ready: 0, wanted: 1 }, trouble };
  daemon.answers.getApp = { body: { ...app, environments: [hurt] } };
  const status = await run(["status", "shop"], { BLOOM_API: daemon.url });
  expect(status.stderr).toBe(`main is starting: ${trouble}\n`);
  const place = { org: "local", app: "shop", environment: "main" };
  daemon.answers.listInstances = { body: { instances: [], troubles: [{ ...place, reason: trouble }] } };
  const listed = await run(["ps"], { BLOOM_API: daemon.url });
  expect(listed.stderr).toBe(`shop (main): ${trouble}\n`);
});

test("a tcp app has an address for each of its ports, and what has never been live has none", async () => {
  const ports = [7001, 7002].map((port) => ({
    ...{ address: `127.0.0.1:${port}`, port, targetPort: port, tls: false },
  }));
  const [one, two] = ports.map(({ address }) => `tcp://${address}`);
  const game = { ...environment, url: one, tcp: ports };
  const fresh = { ...environment, name: "next", version: null, health: "empty" };
  daemon.answers.getApp = { body: { ...app, environments: [game, fresh] } };
  const url = await run(["url", "shop"], { BLOOM_API: daemon.url });
  expect(url.stdout).toBe(`${one}\n${two}\n`);
  const status = await run(["status", "shop"], { BLOOM_API: daemon.url });
  expect(status.stdout).toMatch(new RegExp(`^main .* ${one} ${two} `, "m"));
  expect(status.stdout).not.toContain(environment.url);
});

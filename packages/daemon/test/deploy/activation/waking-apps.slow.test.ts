import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { RealDaemon } from "../real-daemon.js";
import { findFreePort } from "../../../../../scripts/lib/find-free-port.mjs";
import { program, startSleepers } from "./real-sleepers.js";

const late = { minReplicas: 0, idleSeconds: 300 };

let real: RealDaemon;
beforeAll(async () => {
  real = await startSleepers([
    { name: "broken", sleep: late, versions: ["#!/bin/sh\necho gone wrong\nexit 4\n"] },
    { name: "silent", sleep: late, versions: ["#!/bin/sh\nexec sleep 60\n"], readySeconds: 1 },
    { name: "fine", sleep: late },
    { name: "pair", sleep: late, replicas: 2 },
    {
      name: "short",
      ...{ sleep: { minReplicas: 1, idleSeconds: 2 }, replicas: 3 },
      network: "host",
      // There is one port of this number: whoever comes second does not stay up.
      versions: [
        program.replace(
          "$| = 1;",
          `my $only = IO::Socket::INET->new(LocalPort => ${await findFreePort()}, Listen => 1) or exit 3; $| = 1;`,
        ),
      ],
    },
    { name: "slow", sleep: late, versions: [program.replace("my $life", "sleep 1; my $life")] },
  ]);
}, 60_000);
afterAll(() => real.close());

const instancesOf = async (name: string) => (await real.instances()).filter((one) => one.app === name);

const logOf = (id: string) =>
  readFile(join(real.home, "instances", id, "log", "app.log"), "utf8").catch(() => "");
async function countStarts(): Promise<number> {
  const ids = await readdir(join(real.home, "instances"));
  const logs = await Promise.all(ids.map(logOf));
  return logs.filter((log) => log.includes("gone wrong")).length;
}
async function shimOf(id: string): Promise<number> {
  // Whoever wakes an app has its answer before everything of it is written down.
  const file = join(real.home, "instances", id, "state.json");
  const text = await vi.waitUntil(() => readFile(file, "utf8").catch(() => undefined), { timeout: 5_000 });
  return (JSON.parse(text) as { readonly shim_pid: number }).shim_pid;
}

test("who finds an app that does not start is told so, and its owner why", async () => {
  const answer = await real.ask("broken");
  expect(answer).toMatchObject({ status: 502, headers: { "content-type": "text/plain; charset=utf-8" } });
  expect(answer.body).toContain("502 The app could not be started");
  const seen = await real.ask("broken", "/", { headers: { accept: "text/html,*/*" } });
  expect(seen.body).toMatch(/^<!doctype html>.*The app could not be started/s);
  const { health, trouble } = await real.health("broken");
  expect([health, trouble]).toEqual(["crashed", expect.stringContaining("does not stay up")]);
  const { body } = await real.api("GET", "/v1/instances?org=local&app=broken");
  expect(body).toMatchObject({ instances: [], troubles: [{ app: "broken" }] });
});

test("of one that goes on with its least number it is said that no more come up", async () => {
  const answered = async () => (await real.ask("short")).status;
  await expect.poll(answered, { timeout: 10_000 }).toBe(200);
  const told = { health: "degraded", trouble: expect.stringMatching(/^no further replica .* exit code 3 /) };
  const health = async () => (await answered()) && real.health("short");
  await expect.poll(health, { timeout: 10_000 }).toMatchObject(told);
  const { body } = await real.api("GET", "/v1/instances?org=local&app=short");
  expect(body).toMatchObject({ instances: [{ state: "ready" }], troubles: [{ app: "short" }] });
}, 30_000);

test("a storm of requests is no storm of starts", async () => {
  const before = await countStarts();
  const answers = await Promise.all(
    Array.from({ length: 60 }, () => real.ask("broken", "/", { method: "POST" })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([502]));
  expect((await countStarts()) - before).toBeLessThanOrEqual(2);
});

test("who waits for one that never becomes ready is told after its time", async () => {
  expect(await real.ask("silent")).toMatchObject({
    status: 504,
    body: expect.stringContaining("took too long to start"),
  });
  expect((await real.health("silent")).trouble).toContain("did not become ready");
});

test("one that is being started is neither asleep nor awake", async () => {
  const asked = real.ask("slow");
  await vi.waitUntil(async () => (await real.health("slow")).health === "starting", {
    timeout: 5_000,
    interval: 20,
  });
  expect((await asked).status).toBe(200);
});

test("an instance whose shim is killed is forgotten, and the next request wakes another one", async () => {
  const first = (await real.ask("fine")).body;
  const [instance] = await instancesOf("fine");
  process.kill(await shimOf(instance?.id ?? ""), "SIGKILL");
  await vi.waitUntil(async () => (await real.health("fine")).health === "sleeping", { timeout: 10_000 });
  const second = await real.ask("fine", "/", { method: "POST" });
  expect(second.status).toBe(200);
  expect(second.body).not.toBe(first);
});

test("of several that are awake a lost one is replaced", async () => {
  await real.ask("pair");
  const ready = async () => (await instancesOf("pair")).filter(({ state }) => state === "ready");
  await expect.poll(async () => (await ready()).length, { timeout: 10_000 }).toBe(2);
  const [lost] = await ready();
  process.kill(await shimOf(lost?.id ?? ""), "SIGKILL");
  await expect
    .poll(async () => (await ready()).map(({ id }) => id), { timeout: 10_000 })
    .toEqual([expect.anything(), expect.not.stringMatching(lost?.id ?? "")]);
});

test.each([{}, { accept: "text/event-stream" }, { upgrade: "echo", connection: "upgrade" }])(
  "what the app has broken off nobody repeats: %o",
  async (headers) => {
    await real.ask("fine");
    // Whoever is woken may have been looked for in vain a moment before.
    await delay(1100);
    const tag = `drop-${Object.keys(headers).join("-")}`;
    expect((await real.ask("fine", "/drop", { tag, headers })).status).toBe(502);
    await delay(300);
    expect((await real.begun()).filter((one) => one === tag)).toEqual([tag]);
  },
);

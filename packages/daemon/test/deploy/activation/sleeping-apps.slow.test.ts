import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { RealDaemon } from "../real-daemon.js";
import { openEcho, program, startSleepers } from "./real-sleepers.js";

const soon = { minReplicas: 0, idleSeconds: 1 };
const late = { minReplicas: 0, idleSeconds: 300 };

let real: RealDaemon;
beforeAll(async () => {
  real = await startSleepers([
    { name: "idle", sleep: soon },
    { name: "socket", sleep: soon, socket: "unix" },
    { name: "nap", sleep: late },
    { name: "adopted", sleep: { minReplicas: 0, idleSeconds: 4 } },
    { name: "warm", sleep: { minReplicas: 1, idleSeconds: 1 }, replicas: 3 },
    { name: "all", sleep: late, replicas: 3 },
    { name: "always", sleep: null },
    {
      name: "single",
      sleep: late,
      deploy: { strategy: "stopstart" },
      versions: [program, `${program}# 2\n`],
    },
    { name: "versions", sleep: late, versions: [program, "#!/bin/sh\nexit 4\n", replaceVersion(3)] },
  ]);
}, 60_000);
afterAll(() => real.close());

function replaceVersion(number: number): string {
  return program.replace('"1 $life"', `"${number} $life"`);
}

const change = (name: string, verb: string, body?: unknown) =>
  real.api("POST", `/v1/orgs/local/apps/${name}/environments/main/${verb}`, body);
const sleep = (name: string) => change(name, "sleep");
const scale = (name: string, replicas: unknown) =>
  real.api("PUT", `/v1/orgs/local/apps/${name}/environments/main/scale`, { replicas });
const healthOf = async (name: string) => (await real.health(name)).health;
const untilAsleep = (name: string) =>
  vi.waitUntil(async () => (await healthOf(name)) === "sleeping", { timeout: 15_000, interval: 50 });
const countOf = async (name: string) =>
  (await real.instances()).filter((one) => one.app === name && one.state === "ready").length;

test.each(["idle", "socket"])(
  "%s: nothing runs before somebody asks, and again when nobody does",
  async (name) => {
    expect(await healthOf(name)).toBe("sleeping");
    const first = await real.ask(name);
    expect(first).toMatchObject({ status: 200, body: expect.stringMatching(/^1 \d+$/) });
    await untilAsleep(name);
    const list = async () => (await real.api("GET", `/v1/instances?org=local&app=${name}`)).body;
    await expect
      .poll(list, { timeout: 10_000 })
      .toMatchObject({ instances: [], sleeping: [{ app: name }], troubles: [] });
    expect((await real.ask(name)).body).not.toBe(first.body);
  },
);

test.each(["idle", "socket"])("%s: who comes and goes between two looks keeps it awake", async (name) => {
  await untilAsleep(name);
  const first = (await real.ask(name)).body;
  const until = Date.now() + 3500;
  while (Date.now() < until) {
    expect((await real.ask(name)).body).toBe(first);
    await delay(600);
  }
});

test.each(["idle", "socket"])("%s: a body that wakes it arrives whole, and once", async (name) => {
  await untilAsleep(name);
  const body = randomBytes(5_000_000).toString("base64");
  const tag = `body-${name}`;
  const { status, body: echoed } = await real.ask(name, "/echo", { method: "POST", body, tag });
  expect(status).toBe(200);
  expect(echoed === body).toBe(true);
  expect((await real.begun()).filter((one) => one === tag)).toEqual([tag]);
});

test("an answer that takes longer than its idle time is waited for", async () => {
  expect(await real.ask("idle", "/slow/3")).toMatchObject({ status: 200, body: "slept" });
});

test.each(["idle", "socket"])("%s: an upgrade wakes it, and keeps it awake while it lasts", async (name) => {
  await untilAsleep(name);
  const talk = await openEcho(real, name);
  expect(await talk.say("one")).toBe("one");
  await delay(3000);
  expect(await healthOf(name)).toBe("running");
  expect(await talk.say("two")).toBe("two");
  talk.close();
  await untilAsleep(name);
  expect((await real.begun()).filter((one) => one === `talk-${name}`)).toHaveLength(1);
});

test("a crowd that finds it asleep is served by one start", async () => {
  await sleep("nap");
  const answers = await Promise.all(Array.from({ length: 100 }, () => real.ask("nap")));
  expect([...new Set(answers.map(({ status, body }) => `${status} ${body}`))]).toHaveLength(1);
  expect(await countOf("nap")).toBe(1);
});

test("what comes while it falls asleep is neither lost nor repeated", async () => {
  let isOver = false;
  const sent: string[] = [];
  const bad: string[] = [];
  const client = async (name: string): Promise<void> => {
    for (let index = 0; !isOver; index++) {
      const tag = `${name}-${index}`;
      sent.push(tag);
      const path = index % 5 === 0 ? "/slow/0.1" : "/";
      const { status, body } = await real.ask("nap", path, { tag, method: index % 2 === 0 ? "POST" : "GET" });
      if (status !== 200) bad.push(`${tag} ${status} ${body.slice(0, 200)}`);
    }
  };
  const clients = ["nap-a", "nap-b", "nap-c", "nap-d"].map(client);
  for (let round = 0; round < 5; round++) {
    await delay(300);
    expect((await sleep("nap")).status).toBe(200);
  }
  isOver = true;
  await Promise.all(clients);
  expect(bad).toEqual([]);
  const begun = async () => (await real.begun()).filter((tag) => tag.startsWith("nap-")).toSorted();
  await expect.poll(begun).toEqual(sent.toSorted());
}, 60_000);

test("an app that must not sleep does so when told, until somebody asks", async () => {
  const first = (await real.ask("always")).body;
  expect((await sleep("always")).status).toBe(200);
  await untilAsleep("always");
  expect((await real.ask("always")).body).not.toBe(first);
  await vi.waitUntil(async () => (await healthOf("always")) === "running", { timeout: 10_000 });
  expect(await change("always", "restart")).toMatchObject({ status: 200 });
  expect((await real.ask("always")).status).toBe(200);
});

test("with a least number that many go on, and whoever comes to them brings the others back", async () => {
  await expect.poll(() => countOf("warm"), { timeout: 10_000 }).toBe(1);
  expect(await healthOf("warm")).toBe("running");
  const first = (await real.ask("warm")).body;
  await expect.poll(() => countOf("warm"), { timeout: 10_000 }).toBe(3);
  await expect.poll(() => countOf("warm"), { timeout: 10_000 }).toBe(1);
  expect((await real.ask("warm")).body).toBe(first);
}, 40_000);

test("all replicas wake together, and a change of their number waits until then", async () => {
  expect((await real.ask("all")).status).toBe(200);
  await expect.poll(() => countOf("all"), { timeout: 10_000 }).toBe(3);
  await sleep("all");
  expect((await scale("all", { web: 4 })).status).toBe(200);
  expect(await healthOf("all")).toBe("sleeping");
  await real.ask("all");
  await expect.poll(() => countOf("all"), { timeout: 10_000 }).toBe(4);
  const lives = new Set<string>();
  await vi.waitUntil(async () => lives.add((await real.ask("all")).body).size === 4, {
    timeout: 10_000,
    interval: 1,
  });
  expect((await scale("all", { web: 2 })).status).toBe(200);
  await expect.poll(() => countOf("all"), { timeout: 10_000 }).toBe(2);
}, 60_000);

test("stopped while it sleeps it is stopped, and started it runs", async () => {
  await sleep("nap");
  expect((await change("nap", "stop")).status).toBe(200);
  expect(await real.ask("nap")).toMatchObject({ status: 503, body: expect.stringContaining("is stopped") });
  expect((await change("nap", "start")).status).toBe(200);
  expect(await healthOf("nap")).toBe("running");
});

test("a version that does not start never takes the place of one that sleeps", async () => {
  expect(await real.rollback("versions", 2)).toBe("failed");
  expect((await real.ask("versions")).body).toMatch(/^1 /);
  await sleep("versions");
  expect(await real.rollback("versions", 3)).toBe("live");
  expect((await real.ask("versions")).body).toMatch(/^3 /);
  await sleep("versions");
  expect((await real.ask("versions")).body).toMatch(/^3 /);
  await sleep("versions");
  expect(await real.rollback("versions", 1)).toBe("live");
  expect((await real.ask("versions")).body).toMatch(/^1 /);
}, 40_000);

test("of an app of which never two may run, never two run", async () => {
  let most = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver)
      most = Math.max(most, (await real.instances()).filter(({ app }) => app === "single").length);
  })();
  const seen: string[] = [];
  const clients = [1, 2].map(async () => {
    while (!isOver) seen.push(String((await real.ask("single", "/", { method: "POST" })).status));
  });
  for (const version of [2, 1]) {
    await sleep("single");
    await delay(200);
    expect(await real.rollback("single", version)).toBe("live");
  }
  isOver = true;
  await Promise.all([watching, ...clients]);
  expect([[...new Set(seen)], most]).toEqual([["200"], 1]);
}, 60_000);

test("the next daemon wakes nobody, finds what runs, and lets it fall asleep in its time", async () => {
  await sleep("nap");
  const before = (await real.ask("adopted")).body;
  await real.restart(async () => {
    expect((await real.ask("adopted")).body).toBe(before);
    const nobody = await real.ask("nap", "/", { method: "POST" });
    expect(nobody).toMatchObject({ status: 503, headers: { "retry-after": "5" } });
    expect(nobody.body).toContain("This app is asleep");
  });
  expect(await healthOf("nap")).toBe("sleeping");
  expect((await real.ask("adopted")).body).toBe(before);
  await untilAsleep("adopted");
  expect((await real.ask("nap", "/", { method: "POST" })).status).toBe(200);
}, 60_000);

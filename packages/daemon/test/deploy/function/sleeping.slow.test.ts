import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { program, startFunctions, type RealFunctions } from "./real-functions.js";

let real: RealFunctions;
beforeAll(async () => {
  real = await startFunctions([
    { name: "idle", config: { idleSeconds: 1 } },
    { name: "nap" },
    { name: "adopted", config: { idleSeconds: 3 } },
    { name: "versions", programs: [program, "#!/bin/sh\nexit 4\n", `${program}# second\n`] },
    { name: "kept", config: { minReplicas: 1, idleSeconds: 1 } },
  ]);
}, 60_000);
afterAll(() => real.close());

const sleep = (name: string) => real.api("POST", `/v1/orgs/local/apps/${name}/environments/main/sleep`);
const healthOf = async (name: string) => (await real.health(name)).health;
const untilAsleep = (name: string) =>
  vi.waitUntil(async () => (await healthOf(name)) === "sleeping", { timeout: 15_000, interval: 50 });

test("falls asleep when nobody has asked for its idle time, and wakes again", async () => {
  const first = (await real.ask("idle")).body;
  await untilAsleep("idle");
  const second = (await real.ask("idle")).body;
  expect(second).toMatch(/^1 \d+$/);
  expect(second).not.toBe(first);
});

test("is not idle while an execution is under way", async () => {
  expect(await real.ask("idle", "/slow/3")).toMatchObject({ status: 200, body: "slept" });
  await untilAsleep("idle");
});

test("what works on after its answer has its time to end", async () => {
  await real.ask("nap", "/later", { tag: "later" });
  expect((await sleep("nap")).status).toBe(200);
  await expect
    .poll(async () => (await real.begun()).filter((tag) => tag.startsWith("later")))
    .toEqual(["later", "later-done"]);
});

test("the least number keeps running", async () => {
  await vi.waitUntil(async () => (await healthOf("kept")) === "running", { timeout: 10_000 });
  const first = (await real.ask("kept")).body;
  await delay(2500);
  expect((await real.ask("kept")).body).toBe(first);
});

test("an order to sleep ends the least number, too, until somebody asks", async () => {
  const first = (await real.ask("kept")).body;
  expect((await sleep("kept")).status).toBe(200);
  await untilAsleep("kept");
  const listed = await real.api("GET", "/v1/instances?org=local&app=kept");
  expect(listed.body).toMatchObject({ instances: [], sleeping: [{ app: "kept" }], troubles: [] });
  const second = (await real.ask("kept")).body;
  expect(second).not.toBe(first);
  await vi.waitUntil(async () => (await healthOf("kept")) === "running", { timeout: 10_000 });
  await delay(2500);
  expect((await real.ask("kept")).body).toBe(second);
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
    await delay(200);
    expect((await sleep("nap")).status).toBe(200);
  }
  isOver = true;
  await Promise.all(clients);
  expect(bad).toEqual([]);
  const begun = async () => (await real.begun()).filter((tag) => tag.startsWith("nap-")).toSorted();
  await expect.poll(begun).toEqual(sent.toSorted());
}, 60_000);

test("a version that does not start never takes the place of one that does", async () => {
  await real.ask("versions");
  expect(await real.rollback("versions", 2)).toBe("failed");
  expect((await real.ask("versions")).body).toMatch(/^1 /);
  await sleep("versions");
  expect(await real.rollback("versions", 2)).toBe("failed");
  expect((await real.ask("versions")).body).toMatch(/^1 /);
});

test("requests during a switch get one version or the other, and after it the new one only", async () => {
  await sleep("versions");
  let isOver = false;
  const seen: string[] = [];
  const clients = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const { status, body } = await real.ask("versions", "/", { method: "POST" });
      seen.push(`${status} ${body.split(" ")[0]}`);
    }
  });
  for (const version of [3, 1, 3]) {
    expect(await real.rollback("versions", version)).toBe("live");
    expect((await real.ask("versions")).body).toMatch(new RegExp(`^${version} `));
    await sleep("versions");
    expect((await real.ask("versions")).body).toMatch(new RegExp(`^${version} `));
  }
  isOver = true;
  await Promise.all(clients);
  expect([...new Set(seen)].toSorted()).toEqual(["200 1", "200 3"]);
}, 60_000);

test("the next daemon wakes nobody, finds what runs, and lets it fall asleep in its time", async () => {
  await sleep("nap");
  const before = (await real.ask("adopted")).body;
  await real.restart(async () => {
    expect((await real.ask("adopted")).body).toBe(before);
  });
  expect(await healthOf("nap")).toBe("sleeping");
  expect((await real.ask("adopted")).body).toBe(before);
  await untilAsleep("adopted");
  expect((await real.ask("nap", "/", { method: "POST" })).status).toBe(200);
}, 60_000);

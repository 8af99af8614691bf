import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { program, startFunctions, type RealFunctions } from "./real-functions.js";

let real: RealFunctions;
const lateProgram = program.replace("open(my $ready", "sleep 1; open(my $ready");
const names = ["hello", "crowd", "post", "killed", "orphan", "halted"];
beforeAll(async () => {
  real = await startFunctions([
    ...names.map((name) => ({ name })),
    { name: "broken", programs: ["#!/bin/sh\necho no such luck\nexit 3\n"] },
    { name: "greedy", memoryBytes: 64 * 1_048_576 },
    { name: "late", programs: [lateProgram] },
    { name: "narrow", programs: [lateProgram], config: { queueLimit: 3 } },
  ]);
}, 60_000);
afterAll(() => real.close());

const instancesOf = async (name: string) => (await real.instances()).filter((one) => one.app === name);
const tagsOf = async (prefix: string) => (await real.begun()).filter((tag) => tag.startsWith(prefix));

test("nothing runs until somebody asks", async () => {
  expect(await real.instances()).toEqual([]);
  expect(await real.health("hello")).toMatchObject({ health: "sleeping", trouble: null });
  const { body } = await real.api("GET", "/v1/instances");
  expect(body.sleeping).toContainEqual({ org: "local", app: "hello", environment: "main", version: 1 });
  expect(await real.ask("hello")).toMatchObject({ status: 200, body: expect.stringMatching(/^1 \d+$/) });
  expect(await real.health("hello")).toMatchObject({ health: "running", instances: { ready: 1, wanted: 1 } });
});

test("however many come first, one instance is started, and each request runs once", async () => {
  const tags = Array.from({ length: 200 }, (_, index) => `crowd-${index}`);
  const answers = await Promise.all(tags.map((tag) => real.ask("crowd", "/", { tag, method: "POST" })));
  expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1);
  expect(answers[0]?.status).toBe(200);
  await expect.poll(async () => (await tagsOf("crowd-")).toSorted()).toEqual(tags.toSorted());
  expect(await instancesOf("crowd")).toHaveLength(1);
});

test("a body that came while nobody ran arrives whole", async () => {
  const body = Buffer.alloc(900_000, "0123456789abcdef-");
  const answer = await real.ask("post", "/echo", { body, tag: "post-1" });
  expect(answer.status).toBe(200);
  expect(answer.body === body.toString()).toBe(true);
  await expect.poll(() => tagsOf("post-")).toEqual(["post-1"]);
});

test("a start that fails is told to all who wait, and is not repeated for each of them", async () => {
  const ask = () => Promise.all(Array.from({ length: 20 }, () => real.ask("broken")));
  for (const answer of [...(await ask()), ...(await ask())]) {
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "ERR_START_FAILED" });
  }
  expect(await instancesOf("broken")).toEqual([]);
  expect(await real.health("broken")).toMatchObject({
    health: "crashed",
    trouble: expect.stringContaining("exit code 3"),
  });
  const { body } = await real.api("GET", "/v1/instances");
  expect(body.troubles).toMatchObject([{ app: "broken" }]);
});

test("whoever leaves while it starts is not served, whoever stays is", async () => {
  const abort = new AbortController();
  const left = real.ask("late", "/", { tag: "late-left", signal: abort.signal, method: "POST" });
  const stayed = real.ask("late", "/", { tag: "late-stayed" });
  await delay(300);
  abort.abort();
  await expect(left).rejects.toThrow();
  expect((await stayed).status).toBe(200);
  await expect.poll(() => tagsOf("late-")).toEqual(["late-stayed"]);
});

test("who comes when the queue is full is turned away at once", async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => real.ask("narrow", "/", { method: "POST" })),
  );
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
  expect(statuses).toEqual([200, 200, 200, 503, 503, 503, 503, 503]);
  const refused = answers.find(({ status }) => status === 503);
  expect(refused?.headers["retry-after"]).toBe("1");
  expect(JSON.parse(refused?.body ?? "")).toMatchObject({ code: "ERR_QUEUE_FULL" });
});

test("a process that is killed starts anew behind its socket; what was inside is lost, nothing else", async () => {
  await real.ask("killed");
  const [instance] = await instancesOf("killed");
  const inside = real.ask("killed", "/exit", { method: "POST" });
  expect((await inside).status).toBe(502);
  // Whoever comes before it is quite dead is inside as well.
  await vi.waitUntil(async () => (await instancesOf("killed"))[0]?.restarts === 1);
  const again = await Promise.all(
    Array.from({ length: 10 }, () => real.ask("killed", "/", { method: "POST" })),
  );
  expect(again.map(({ status }) => status)).toEqual(Array(10).fill(200));
  expect(await instancesOf("killed")).toMatchObject([{ id: instance?.id, restarts: 1 }]);
});

test("who takes all memory is killed for it, and the others are served", async () => {
  await real.ask("greedy");
  const [hog, ...others] = await Promise.all([
    real.ask("greedy", "/hog", { method: "POST" }),
    ...Array.from({ length: 5 }, () => real.ask("greedy", "/slow/0.5", { method: "POST" })),
  ]);
  expect(hog?.status).toBe(502);
  expect((await real.ask("greedy", "/", { method: "POST" })).status).toBe(200);
  expect(others.filter(({ status }) => ![200, 502].includes(status))).toEqual([]);
});

test("an instance whose shim is killed is forgotten, and the next request wakes another one", async () => {
  await real.ask("orphan");
  const [instance] = await instancesOf("orphan");
  const state = await readState(real.home, instance?.id ?? "");
  process.kill(state.shim_pid, "SIGKILL");
  await vi.waitUntil(async () => (await instancesOf("orphan")).length === 0);
  expect((await real.ask("orphan", "/", { tag: "orphan-1", method: "POST" })).status).toBe(200);
  await expect.poll(() => tagsOf("orphan-")).toEqual(["orphan-1"]);
  const [next] = await vi.waitUntil(async () => {
    const found = await instancesOf("orphan");
    return found.length === 1 ? found : undefined;
  });
  expect(next?.id).not.toBe(instance?.id);
});

test("one that was stopped is woken by nobody", async () => {
  const place = "/v1/orgs/local/apps/halted/environments/main";
  await real.ask("halted");
  expect((await real.api("POST", `${place}/stop`)).body).toMatchObject({ health: "stopped" });
  expect((await real.ask("halted")).status).toBe(503);
  expect(await instancesOf("halted")).toEqual([]);
  expect((await real.api("POST", `${place}/sleep`)).status).toBe(200);
  expect((await real.api("POST", `${place}/start`)).body).toMatchObject({ health: "running" });
  expect((await real.ask("halted")).status).toBe(200);
});

test("a function has as many instances as it needs: nobody sets their number", async () => {
  const path = "/v1/orgs/local/apps/hello/environments/main/scale";
  expect(await real.api("PUT", path, { replicas: { web: 3 } })).toMatchObject({
    status: 400,
    body: { error: { code: "ERR_INVALID_ARGUMENT" } },
  });
});

async function readState(home: string, id: string): Promise<{ shim_pid: number }> {
  const file = join(home, "instances", id, "state.json");
  // Written a moment after what it tells of.
  await vi.waitUntil(() => existsSync(file));
  return JSON.parse(await readFile(file, "utf8"));
}

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startFunctions, type RealFunctions } from "./real-functions.js";

let real: RealFunctions;
beforeAll(async () => {
  real = await startFunctions([{ name: "pair", config: { minReplicas: 2, maxReplicas: 4, idleSeconds: 1 } }]);
}, 60_000);
afterAll(() => real.close());

const untilRunning = (count: number) =>
  vi.waitUntil(async () => (await real.health("pair")).instances.ready === count, { timeout: 10_000 });
const postAll = async (prefix: string, count: number) => {
  const tags = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
  const answers = await Promise.all(tags.map((tag) => real.ask("pair", "/", { tag, method: "POST" })));
  const begun = async () => (await real.begun()).filter((tag) => tag.startsWith(`${prefix}-`)).toSorted();
  await expect.poll(begun).toEqual(tags.toSorted());
  return answers;
};

test("requests of every method pass over places where nobody runs, and run once", async () => {
  await untilRunning(2);
  const answers = await postAll("spread", 40);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(new Set(answers.map(({ body }) => body)).size).toBe(2);
});

test("after a sleep the first request gets an answer at once, and the least number comes back", async () => {
  expect((await real.api("POST", "/v1/orgs/local/apps/pair/environments/main/sleep")).status).toBe(200);
  expect(await real.instances()).toEqual([]);
  const answers = await postAll("again", 10);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  await untilRunning(2);
});

test("one of them that vanishes is replaced", async () => {
  const [first] = await real.instances();
  if (first === undefined) throw new Error("nothing runs");
  const file = `${real.home}/instances/${first.id}/state.json`;
  // Written a moment after what it tells of.
  await vi.waitUntil(() => existsSync(file));
  const state = JSON.parse(await readFile(file, "utf8"));
  process.kill(state.shim_pid, "SIGKILL");
  await vi.waitUntil(async () => (await real.instances()).every((one) => one.id !== first.id));
  await untilRunning(2);
  const answers = await postAll("healed", 10);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
});

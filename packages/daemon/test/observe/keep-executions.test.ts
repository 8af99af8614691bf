import { afterEach, beforeEach, expect, test } from "vitest";
import { createExecutionKeeper } from "../../src/observe/keep-executions.js";
import type { FinishedExecution } from "../../src/store/index.js";
import { openHarness } from "./executions-harness.js";

let home: Awaited<ReturnType<typeof openHarness>>;
beforeEach(async () => {
  home = await openHarness();
});
afterEach(() => home.close());

const dayMs = 86_400_000;

function executions(count: number, agoMs: (n: number) => number): FinishedExecution[] {
  return Array.from({ length: count }, (_, n) => {
    const time = new Date(Date.now() - agoMs(n)).toISOString();
    return {
      ...{ id: `x-${n}`, environmentId: home.environment.id, kind: "direct", version: 1, instanceId: "i-1" },
      ...{ state: "succeeded", httpStatus: 200, cold: false, queueUs: 0, startUs: 0, runUs: 5 },
      ...{ requestBytes: 0, responseBytes: 0, error: null, createdAt: time, finishedAt: time },
    };
  });
}

test("what is too old or too much goes, with the requests that were kept of it", async () => {
  const forgotten: string[] = [];
  const keeper = createExecutionKeeper({
    ...{ store: home.store, limits: { days: 7, count: 3 }, log: { warn: () => undefined } },
    forgetRequests: async (requests) => void forgotten.push(...requests),
  });
  // A row made beforehand, with its request, long ago.
  const { id } = await home.store.executions.create({
    ...{ id: "x-5", environmentId: home.environment.id, kind: "async", version: 1, request: "requests/5" },
  });
  await home.store.executions.takeIn(executions(6, (n) => n * dayMs * 1.9));
  expect(id).toBe("x-5");
  expect(await keeper.sweep()).toEqual({ executions: 3 });
  // The one made beforehand was made today.
  expect((await home.ids()).toSorted()).toEqual(["x-0", "x-1", "x-5"]);
  expect(await keeper.sweep()).toEqual({ executions: 0 });
  await home.store.executions.takeIn(executions(9, () => 0).map((one) => ({ ...one, id: `y-${one.id}` })));
  expect(await keeper.sweep()).toEqual({ executions: 9 });
  expect(forgotten).toEqual(["requests/5"]);
  await keeper.close();
});

test("between the sweeps a busy function keeps about as many as it may", async () => {
  const keeper = createExecutionKeeper({
    ...{ store: home.store, limits: { days: 7, count: 500 }, log: { warn: () => undefined } },
    forgetRequests: () => Promise.resolve(),
  });
  const all = executions(5000, (n) => 5000 - n);
  for (let start = 0; start < all.length; start += 250) {
    const batch = all.slice(start, start + 250);
    await home.store.executions.takeIn(batch);
    keeper.taken(batch);
  }
  await expect.poll(async () => (await home.ids()).length).toBe(500);
  expect((await home.ids())[0]).toBe("x-4999");
  await keeper.close();
});

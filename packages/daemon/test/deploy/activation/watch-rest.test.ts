import { completeConfig, type ShimStatus, type SleepConfig, type WorkerView } from "@bloomery/contract";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchRest } from "../../../src/deploy/activation/watch-rest.js";
import type { Instance, InstanceAddress } from "../../../src/run/engines/engine.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

interface Facts {
  connections: number;
  accepted: number | null;
  workers: readonly Pick<WorkerView, "pid" | "requests">[] | null;
  address: InstanceAddress;
}

function openBench({ sleep, wanted = 1 }: { sleep: SleepConfig; wanted?: number }) {
  let live: Instance[] = [];
  const ended: string[] = [];
  const started: number[] = [];
  let isBroken = false;
  const rest = watchRest({
    live: () => live,
    configOf: () => completeConfig({ web: { start: "./app" }, sleep }),
    wantedOf: () => wanted,
    start(_environment, replica) {
      started.push(replica);
      const outcome = isBroken ? Promise.reject(new Error("no")) : Promise.resolve({} as Instance);
      outcome.catch(() => undefined);
      return { stands: new Promise(() => undefined), ready: outcome, placed: outcome };
    },
    async giveBack(_environment, instances) {
      ended.push(...instances.map(({ id }) => id));
      live = live.filter((one) => !instances.includes(one));
    },
    log: { warn: () => undefined },
  });
  const add = (id: string, facts: Partial<Facts> = {}): Facts => {
    const address: InstanceAddress = { kind: "unix", path: "/app.sock" };
    const now: Facts = { connections: 0, accepted: 0, workers: null, address, ...facts };
    const instance = {
      ...{ id, replica: live.length, address: now.address },
      refresh: async () => now as unknown as ShimStatus,
      readWorkers: async () => now.workers,
    };
    live = [...live, instance as unknown as Instance];
    rest.begin("e");
    return now;
  };
  const pass = async (ms: number): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms));
  return { rest, ended, started, add, pass, breakDown: () => (isBroken = true) };
}

const sleep = { minReplicas: 0, idleSeconds: 10 };

test("ends what nobody has come to for its time, and costs nothing afterwards", async () => {
  const { ended, add, pass } = openBench({ sleep });
  add("i-1");
  await pass(10_000);
  expect(ended).toEqual([]);
  await pass(2_000);
  expect(ended).toEqual(["i-1"]);
  expect(vi.getTimerCount()).toBe(0);
});

test.each([
  ["is connected", (facts: Facts) => (facts.connections = 1)],
  ["has come and gone", (facts: Facts) => (facts.accepted = (facts.accepted ?? 0) + 1)],
])("stays awake for whoever %s", async (_what, come) => {
  const { ended, add, pass } = openBench({ sleep });
  const facts = add("i-1");
  for (let round = 0; round < 4; round++) {
    await pass(8_000);
    come(facts);
  }
  expect(ended).toEqual([]);
});

test("of workers it is asked what they have answered, and who cannot tell is taken for busy", async () => {
  const { ended, add, pass } = openBench({ sleep });
  const facts = add("i-1", { accepted: null, workers: [{ pid: 7, requests: 1 }] });
  await pass(8_000);
  facts.workers = [{ pid: 7, requests: 2 }];
  await pass(8_000);
  facts.workers = null;
  await pass(60_000);
  expect(ended).toEqual([]);
  facts.workers = [{ pid: 7, requests: 2 }];
  await pass(12_000);
  expect(ended).toEqual(["i-1"]);
});

test("of a tcp app on the machine's own network those are looked at who are there", async () => {
  const { ended, add, pass } = openBench({ sleep });
  const address: InstanceAddress = { kind: "tcp", address: "127.0.0.1", port: 7878 };
  const facts = add("i-1", { accepted: null, connections: 1, address });
  await pass(30_000);
  expect(ended).toEqual([]);
  facts.connections = 0;
  await pass(12_000);
  expect(ended).toEqual(["i-1"]);
});

test("whoever comes to one that was kept has another one started, and not again at once when that fails", async () => {
  const { ended, started, add, pass, breakDown } = openBench({
    sleep: { minReplicas: 1, idleSeconds: 10 },
    wanted: 3,
  });
  const facts = add("i-0");
  add("i-1");
  add("i-2");
  await pass(12_000);
  expect(ended).toEqual(["i-1", "i-2"]);
  await pass(30_000);
  expect(started).toEqual([]);
  breakDown();
  facts.connections = 1;
  await pass(4_000);
  expect(started).toEqual([1]);
  await pass(3_000);
  expect(started).toEqual([1, 1]);
});

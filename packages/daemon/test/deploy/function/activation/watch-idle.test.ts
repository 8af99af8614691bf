import { functionDefaults, type FunctionConfig, type ShimStatus } from "@bloomery/contract";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchIdle } from "../../../../src/deploy/function/activation/watch-idle.js";
import type { Instance } from "../../../../src/run/engines/engine.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

function openBench(change: Partial<FunctionConfig> = {}) {
  let live: Instance[] = [];
  const ended: string[] = [];
  const looks: string[] = [];
  const idle = watchIdle({
    live: () => live,
    configOf: () => ({ ...functionDefaults, idleSeconds: 10, ...change }),
    lastWritten: async () => undefined,
    async giveBack(_environment, instances) {
      ended.push(...instances.map(({ id }) => id));
      live = live.filter((one) => !instances.includes(one));
    },
    log: { warn: () => undefined },
  });
  const start = (id: string, connections = 0): void => {
    const status = { ready_at: new Date().toISOString(), connections } as unknown as ShimStatus;
    const refresh = async (): Promise<ShimStatus> => (looks.push(id), status);
    live = [...live, { id, replica: live.length, status, refresh } as unknown as Instance];
    idle.begin("e");
  };
  // Nothing here waits for the machine: with the timers, everything that hangs on them has run.
  const pass = async (ms: number): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms));
  return { idle, ended, looks, start, pass };
}

test("ends what has had nothing to do for its time, and costs nothing afterwards", async () => {
  const { idle, ended, looks, start, pass } = openBench();
  start("i-1");
  await pass(9_000);
  expect([ended, looks]).toEqual([[], []]);
  await pass(1_500);
  expect(ended).toEqual(["i-1"]);
  await pass(60_000);
  expect(looks).toEqual(["i-1"]);
  expect(vi.getTimerCount()).toBe(0);
  await idle.close();
});

test("leaves those alone who are connected, and looks again", async () => {
  const { idle, ended, looks, start, pass } = openBench();
  start("i-1", 1);
  await pass(10_500);
  await pass(10_500);
  expect([ended, looks]).toEqual([[], ["i-1", "i-1"]]);
  await idle.close();
});

test("without an idle time nothing ever falls asleep", async () => {
  const { idle, looks, start, pass } = openBench({ idleSeconds: 0 });
  start("i-1");
  await pass(1_000_000);
  expect(looks).toEqual([]);
  await idle.close();
});

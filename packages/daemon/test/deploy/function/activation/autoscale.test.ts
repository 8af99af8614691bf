import { functionDefaults, type FunctionConfig } from "@bloomery/contract";
import { expect, test, vi } from "vitest";
import { createAutoscale } from "../../../../src/deploy/function/activation/autoscale.js";
import type { Instance } from "../../../../src/run/engines/engine.js";

function openBench(change: Partial<FunctionConfig> = {}) {
  const live: Instance[] = [{ id: "i-0", replica: 0 } as Instance];
  const started: number[] = [];
  const outcomes: { succeed: () => void; fail: () => void }[] = [];
  const state = { isStarting: false, strains: 0 };
  const autoscale = createAutoscale({
    live: () => live,
    configOf: (): FunctionConfig => ({ ...functionDefaults, concurrency: 1, maxReplicas: 3, ...change }),
    isStarting: () => state.isStarting,
    start(_environment, replica) {
      started.push(replica);
      const instance = { id: `i-${replica}`, replica } as Instance;
      const ready = new Promise<Instance>((resolve, reject) =>
        outcomes.push({
          succeed: () => (live.push(instance), resolve(instance)),
          fail: () => reject(new Error("no")),
        }),
      );
      return { ready, placed: ready };
    },
    onStrain: () => void state.strains++,
    log: { warn: () => undefined },
  });
  const press = (instance: string, running: number, waiting: number): void =>
    autoscale.press("e", { instance, running, waiting });
  return { live, started, outcomes, state, press };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("starts what the waiting ask for, once, and counts all instances together", async () => {
  const { started, outcomes, press, state } = openBench();
  press("i-0", 1, 1);
  press("i-0", 1, 1);
  expect(started).toEqual([1]);
  outcomes[0]?.succeed();
  await settle();
  press("i-0", 1, 0);
  press("i-1", 1, 0);
  expect(started).toEqual([1]);
  press("i-1", 1, 1);
  expect(started).toEqual([1, 2]);
  expect(state.strains).toBe(3);
});

test("waits for the one that is being woken, and believes nobody who is gone", () => {
  const { started, press, state } = openBench();
  press("i-9", 1, 9);
  state.isStarting = true;
  press("i-0", 1, 9);
  expect(started).toEqual([]);
});

test("after a failure it does not try again for a while", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const { started, outcomes, press } = openBench({ maxReplicas: 2 });
    press("i-0", 1, 1);
    outcomes[0]?.fail();
    await settle();
    press("i-0", 1, 1);
    expect(started).toEqual([1]);
    vi.advanceTimersByTime(5_001);
    press("i-0", 1, 1);
    expect(started).toEqual([1, 1]);
  } finally {
    vi.useRealTimers();
  }
});

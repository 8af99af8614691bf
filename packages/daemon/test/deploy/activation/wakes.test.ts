import { BloomError } from "@bloomery/contract";
import { expect, test, vi } from "vitest";
import { createWakes } from "../../../src/deploy/activation/wakes.js";
import type { Instance } from "../../../src/run/engines/engine.js";

const patient = new AbortController().signal;
const instance = { id: "i-1" } as Instance;

function openBench() {
  let live: readonly Instance[] = [];
  const begun: { resolve: (one: Instance) => void; reject: (error: Error) => void; place: () => void }[] = [];
  const wakes = createWakes({
    live: () => live,
    start: () => {
      let place: () => void = () => undefined;
      const placed = new Promise<void>((resolve) => (place = resolve));
      const ready = new Promise<Instance>((resolve, reject) => begun.push({ resolve, reject, place }));
      return { stands: Promise.resolve(instance), ready, placed };
    },
  });
  return { wakes, begun, serve: (instances: readonly Instance[]) => (live = instances) };
}

test("however many ask, one is started, and who asks before it has a name gets it as well", async () => {
  const { wakes, begun, serve } = openBench();
  const first = [wakes.wake("e", patient), wakes.wake("e", patient)];
  begun[0]?.resolve(instance);
  expect(await Promise.all(first)).toEqual([
    { instance, isFresh: true },
    { instance, isFresh: true },
  ]);
  expect(await wakes.wake("e", patient)).toEqual({ instance, isFresh: true });
  expect(wakes.isStarting("e")).toBe(true);
  serve([instance]);
  begun[0]?.place();
  await wakes.settle("e");
  await vi.waitUntil(() => !wakes.isStarting("e"));
  expect(await wakes.wake("e", patient)).toEqual({ instance, isFresh: false });
  expect(begun).toHaveLength(1);
});

test("of an instance that is started everybody learns before it is ready, of one that runs nobody", async () => {
  const { wakes, begun, serve } = openBench();
  const told: Instance[] = [];
  const asked = [1, 2].map(() => wakes.wake("e", patient, (one) => void told.push(one)));
  await vi.waitUntil(() => told.length === 2);
  begun[0]?.resolve(instance);
  await Promise.all(asked);
  serve([instance]);
  begun[0]?.place();
  await wakes.settle("e");
  await vi.waitUntil(() => !wakes.isStarting("e"));
  await wakes.wake("e", patient, (one) => void told.push(one));
  expect(told).toEqual([instance, instance]);
});

test("who leaves stops waiting, and the start goes on", async () => {
  const { wakes, begun } = openBench();
  const abort = new AbortController();
  const left = wakes.wake("e", abort.signal);
  const stayed = wakes.wake("e", patient);
  abort.abort(new Error("left"));
  await expect(left).rejects.toThrow("left");
  begun[0]?.resolve(instance);
  expect(await stayed).toMatchObject({ instance });
});

test("a start that failed is not repeated at once; the pause grows, and a success ends it", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const { wakes, begun } = openBench();
    const fail = async (): Promise<void> => {
      const asked = wakes.wake("e", patient);
      begun.at(-1)?.reject(new BloomError("ERR_START_FAILED", "no such luck"));
      begun.at(-1)?.place();
      await expect(asked).rejects.toMatchObject({ code: "ERR_START_FAILED" });
      await wakes.settle("e");
      await vi.waitUntil(() => !wakes.isStarting("e"));
    };
    await fail();
    expect([wakes.failureOf("e"), wakes.failing()]).toEqual(["no such luck", ["e"]]);
    await expect(wakes.wake("e", patient)).rejects.toThrow("no such luck");
    expect(begun).toHaveLength(1);
    vi.advanceTimersByTime(501);
    await fail();
    vi.advanceTimersByTime(501);
    await expect(wakes.wake("e", patient)).rejects.toThrow("no such luck");
    expect(begun).toHaveLength(2);
    vi.advanceTimersByTime(500);
    const asked = wakes.wake("e", patient);
    begun.at(-1)?.resolve(instance);
    await asked;
    expect([wakes.failureOf("e"), wakes.failing()]).toEqual([null, []]);
  } finally {
    vi.useRealTimers();
  }
});

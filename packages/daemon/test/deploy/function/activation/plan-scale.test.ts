import { describe, expect, test } from "vitest";
import {
  planGiveBack,
  planStarts,
  type ScaledInstance,
} from "../../../../src/deploy/function/activation/plan-scale.js";

describe("planStarts", () => {
  const facts = { concurrency: 2, most: 4, taken: new Set([0]), running: 2, waiting: 0 };

  test.each([
    ["nobody waits", {}, []],
    ["one place more is needed", { waiting: 1 }, [1]],
    ["as many as the load asks for, at once", { waiting: 4 }, [1, 2]],
    ["never more than there are names for", { waiting: 100 }, [1, 2, 3]],
    ["the lowest free places", { waiting: 3, taken: new Set([1, 3]) }, [0]],
    ["those that are being started count", { waiting: 1, taken: new Set([0, 1]) }, []],
    ["without a stated capacity one more, and see", { waiting: 50, concurrency: 0 }, [1]],
    ["all places are taken", { waiting: 9, taken: new Set([0, 1, 2, 3]) }, []],
  ])("%s", (_name, change, wanted) => {
    expect(planStarts({ ...facts, ...change })).toEqual(wanted);
  });
});

describe("planGiveBack", () => {
  const one = (replica: number, change: Partial<ScaledInstance> = {}): ScaledInstance => ({
    ...{ id: `i-${replica}`, replica, connections: 0, activeAt: 0 },
    ...change,
  });
  const facts = { now: 10_000, least: 0, idleMs: 10_000, concurrency: 1, strainedAt: 0, peak: 0 };

  test.each([
    ["nothing runs", { instances: [] }, [], null],
    ["idle for its time", { instances: [one(0)] }, ["i-0"], null],
    ["not for long enough", { instances: [one(0, { activeAt: 4_000 })] }, [], 4_000],
    ["an execution is under way", { instances: [one(0, { connections: 1 })] }, [], 10_000],
    [
      "one is idle, the other is not",
      { instances: [one(0), one(1, { connections: 1 })], peak: 2 },
      [],
      1_000,
    ],
    ["all are idle", { instances: [one(1), one(0)] }, ["i-0", "i-1"], null],
    ["down to the least number", { instances: [one(1), one(0)], least: 1 }, ["i-1"], null],
    ["the least number stays", { instances: [one(0)], least: 1 }, [], null],
    [
      "fewer have done for long enough: the highest places go",
      { instances: [one(2), one(0, { connections: 1 }), one(1)], peak: 1 },
      ["i-1", "i-2"],
      10_000,
    ],
    [
      "somebody waited lately",
      { instances: [one(0, { connections: 1 }), one(1)], peak: 1, strainedAt: 5_000 },
      [],
      1_000,
    ],
    [
      "without a stated capacity nobody can say how many are needed",
      { instances: [one(0, { connections: 1 }), one(1)], peak: 1, concurrency: 0 },
      [],
      1_000,
    ],
  ])("%s", (_name, change, end, lookAgainMs) => {
    expect(planGiveBack({ ...facts, ...change })).toEqual({ end, lookAgainMs });
  });

  test("looks are neither many nor far apart", () => {
    const instances = [one(0, { activeAt: 9_999 })];
    expect(planGiveBack({ ...facts, idleMs: 3_600_000, instances }).lookAgainMs).toBe(10_000);
    expect(planGiveBack({ ...facts, idleMs: 100, instances }).lookAgainMs).toBe(250);
  });
});

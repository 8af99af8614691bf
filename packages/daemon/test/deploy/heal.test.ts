import { afterEach, beforeEach, expect, test } from "vitest";
import type { AppConfig } from "@bloomery/contract";
import type { Fleet, RunnableRelease } from "../../src/deploy/fleet.js";
import { createHealer, type Healer, type Wanted } from "../../src/deploy/heal.js";
import { planFleet } from "../../src/deploy/plan-fleet.js";
import { createTurns } from "../../src/deploy/turns.js";
import type { Instance } from "../../src/run/engines/engine.js";

/** A fleet whose starts do what the test says; the real one is tried end to end. */
let failures: number;
let brokenReplica: number | undefined;
let starts: number;
let serving: Instance[];
let pointed: string[][];
let wanted: Wanted;
let healer: Healer;
let fleet: Fleet;
let edge: Parameters<typeof createHealer>[0]["edge"];

const release = {
  environmentId: "env-1",
  releaseId: "rel-1",
  config: { web: { drainSeconds: 1 } } as AppConfig,
} as RunnableRelease;

beforeEach(() => {
  failures = 0;
  brokenReplica = undefined;
  starts = 0;
  serving = [];
  pointed = [];
  wanted = { environment: { id: "env-1", slot: 0 }, releaseId: "rel-1", replicas: { web: 1 }, release };
  fleet = {
    inTurn: createTurns().take,
    live: () => serving,
    plan: (_id: string, want: Wanted) => planFleet(want, serving),
    async start(_release: RunnableRelease, places: readonly { role: string; replica: number }[]) {
      starts++;
      if (failures-- > 0 || places.some(({ replica }) => replica === brokenReplica))
        throw new Error("not ready");
      return places.map((place) => ({ id: `i-${starts}`, releaseId: "rel-1", ...place }) as Instance);
    },
    promote(_id: string, instances: Instance[]) {
      const left = serving.filter((one) => !instances.includes(one));
      serving = instances;
      return left;
    },
    retire: async () => undefined,
    stopNow: async () => undefined,
  } as unknown as Fleet;
  edge = {
    point: async (_environment, instances) => void pointed.push(instances.map((one) => one.id)),
    refresh: async () => undefined,
  };
  healer = createHealer({
    ...{ fleet, edge },
    wantedOf: async () => wanted,
    log: { warn: () => undefined, info: () => undefined },
  });
});
afterEach(() => healer.close());

test("what was put to sleep while its instances were being started stays asleep", async () => {
  const stopped: string[] = [];
  healer = createHealer({
    ...{ fleet: { ...fleet, stopNow: async (some) => void stopped.push(...some.map(({ id }) => id)) }, edge },
    // Asked first before the start, and once more after it.
    wantedOf: async () => (starts === 0 ? wanted : { ...wanted, replicas: {}, most: { web: 1 } }),
    log: { warn: () => undefined, info: () => undefined },
  });
  await healer.heal("env-1");
  expect([starts, stopped, serving]).toEqual([1, ["i-1"], []]);
});

test("tries again until the environment is as wanted", async () => {
  failures = 1;
  await healer.heal("env-1");
  expect([starts, pointed]).toEqual([2, [["i-2"]]]);
});

test("one attempt throws its failure and leaves what serves alone", async () => {
  await healer.heal("env-1");
  wanted = { ...wanted, replicas: { web: 2 } };
  failures = 1;
  await expect(healer.healOnce("env-1")).rejects.toThrow("not ready");
  expect(serving.map((one) => one.id)).toEqual(["i-1"]);
  await healer.healOnce("env-1");
  expect(serving).toHaveLength(2);
});

test("one that does not come up keeps no other from serving", async () => {
  wanted = { ...wanted, replicas: { web: 3 } };
  brokenReplica = 1;
  await expect(healer.healOnce("env-1")).rejects.toThrow("web/1: not ready");
  expect(healer.failureOf("env-1")).toBe("web/1: not ready");
  expect(serving.map(({ replica }) => replica)).toEqual([0, 2]);
  expect(pointed.map((ids) => ids.length)).toEqual([1, 2]);
  brokenReplica = undefined;
  await healer.healOnce("env-1");
  expect([starts, serving.length]).toEqual([4, 3]);
});

test("those that take the place of others do so when all are ready", async () => {
  serving = [0, 1].map((replica) => ({ id: "old", releaseId: "rel-0", role: "web", replica }) as Instance);
  wanted = { ...wanted, replicas: { web: 2 } };
  await healer.healOnce("env-1");
  expect(pointed.map((ids) => ids.length)).toEqual([2]);
  expect(serving.map(({ releaseId }) => releaseId)).toEqual(["rel-1", "rel-1"]);
});

test("what is asked for during an attempt is done after it, and what is there is not started twice", async () => {
  await Promise.all([healer.heal("env-1"), healer.heal("env-1"), healer.heal("env-1")]);
  expect(starts).toBe(1);
});

test("tells why an attempt failed until one succeeds", async () => {
  failures = 1;
  await expect(healer.healOnce("env-1")).rejects.toThrow("not ready");
  expect([healer.failureOf("env-1"), healer.failing()]).toEqual(["not ready", ["env-1"]]);
  await healer.healOnce("env-1");
  expect([healer.failureOf("env-1"), healer.failing()]).toEqual([null, []]);
});

test("closing ends the trying", async () => {
  failures = Number.POSITIVE_INFINITY;
  const trying = healer.heal("env-1");
  await healer.close();
  await trying;
  expect(serving).toEqual([]);
});

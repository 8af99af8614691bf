import { expect, test } from "vitest";
import { planLook, planRest, type RestingInstance } from "../../../src/deploy/activation/plan-rest.js";

const one = (replica: number, more: Partial<RestingInstance> = {}): RestingInstance => ({
  ...{ id: `i-${replica}`, replica, isActive: false, activeAt: 0 },
  ...more,
});
type Facts = Parameters<typeof planRest>[0];
const idle = 60_000;

const cases: readonly [string, Partial<Facts>, readonly string[], boolean, number | null][] = [
  ["nobody has come for its time", { instances: [one(0)] }, ["i-0"], false, null],
  ["its time is not over", { now: idle - 1, instances: [one(0)] }, [], false, 6000],
  ["somebody has come", { instances: [one(0, { isActive: true })] }, [], false, 6000],
  [
    "somebody came to another replica",
    { instances: [one(0), one(1, { activeAt: 1 })], wanted: 2 },
    [],
    false,
    6000,
  ],
  ["all end together", { instances: [one(1), one(0)], wanted: 2 }, ["i-0", "i-1"], false, null],
  [
    "the lowest are kept, and looked at further",
    { instances: [one(2), one(0), one(1)], wanted: 3, least: 1 },
    ["i-1", "i-2"],
    false,
    6000,
  ],
  ["a kept one that nobody needs", { instances: [one(0)], wanted: 3, least: 1 }, [], false, 6000],
  [
    "a kept one that somebody comes to",
    { instances: [one(0, { isActive: true })], wanted: 3, least: 1 },
    [],
    true,
    6000,
  ],
  ["as many as are kept are all there are", { instances: [one(0)], wanted: 1, least: 1 }, [], false, null],
];

test.each(cases)("%s", (_what, facts, end, fill, lookAgainMs) => {
  const plan = planRest({ now: idle, idleMs: idle, least: 0, wanted: 1, instances: [], ...facts });
  expect(plan).toEqual({ end, fill, lookAgainMs });
});

test("looks ten times in the idle time, but never without a pause, nor seldom", () => {
  expect([1000, 60_000, 3_600_000].map(planLook)).toEqual([250, 6000, 10_000]);
});

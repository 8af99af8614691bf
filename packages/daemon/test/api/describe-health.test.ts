import { expect, test } from "vitest";
import { describeHealth, type HealthFacts } from "../../src/api/describe-health.js";

const well: HealthFacts = {
  ...{ hasRelease: true, isStopped: false, isAtRest: false, ready: 2, wanted: 2 },
  ...{ hasCrashed: false, hasFailed: false },
};

test.each<[string, Partial<HealthFacts>]>([
  ["running", {}],
  ["starting", { ready: 1 }],
  ["empty", { hasRelease: false, isAtRest: true }],
  ["stopped", { isStopped: true, ready: 0, wanted: 0 }],
  ["sleeping", { isAtRest: true, ready: 0, wanted: 0 }],
  ["crashed", { isAtRest: true, ready: 0, wanted: 0, hasFailed: true }],
  ["crashed", { ready: 0, hasCrashed: true }],
  ["degraded", { ready: 1, hasCrashed: true }],
  ["crashed", { ready: 0, hasFailed: true }],
  ["degraded", { ready: 1, hasFailed: true }],
])("%s: %j", (health, facts) => {
  expect(describeHealth({ ...well, ...facts })).toBe(health);
});

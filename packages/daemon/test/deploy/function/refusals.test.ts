import { expect, test } from "vitest";
import { createRefusals } from "../../../src/deploy/function/refusals.js";

test("so many refusals of an address in a minute, then it waits for the rest of it", () => {
  let now = 0;
  const refusals = createRefusals({ most: 2, windowMs: 60_000, now: () => now });
  refusals.note("10.0.0.1");
  now = 10_500;
  expect(refusals.waitOf("10.0.0.1")).toBe(0);
  refusals.note("10.0.0.1");
  expect(refusals.waitOf("10.0.0.1")).toBe(50);
  expect(refusals.waitOf("10.0.0.2")).toBe(0);
  now = 60_000;
  expect(refusals.waitOf("10.0.0.1")).toBe(0);
  refusals.note("10.0.0.1");
  expect(refusals.waitOf("10.0.0.1")).toBe(0);
});

test.each([
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::9", true],
  ["2001:db8::1", "2001:db8:0:0:ffff::1", true],
  ["::1", "::2", true],
  ["2001:db8:1:2::1", "2001:db8:1:3::1", false],
  ["10.0.0.1", "10.0.0.2", false],
])("%s and %s are one caller: %s", (one, other, isSame) => {
  const refusals = createRefusals({ most: 1 });
  refusals.note(one);
  expect(refusals.waitOf(other) > 0).toBe(isSame);
});

test("more addresses than it keeps cost no more memory: the oldest are forgotten", () => {
  const refusals = createRefusals({ most: 1, addresses: 2 });
  for (const address of ["10.0.0.1", "10.0.0.2", "10.0.0.3"]) refusals.note(address);
  const waits = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address) => refusals.waitOf(address) > 0);
  expect(waits).toEqual([false, true, true]);
});

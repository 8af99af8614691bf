import fc from "fast-check";
import { expect, test } from "vitest";
import { createPackedIds } from "../../src/observe/packed-ids.js";
import { createRecentIds } from "../../src/observe/recent-ids.js";

const digit = fc.nat({ max: 15 }).map((value) => value.toString(16));
const directId = fc.string({ unit: digit, minLength: 32, maxLength: 32 }).map((hex) => `x-${hex}`);

test("ids of nginx are held without their text, every one of thousands", () => {
  fc.assert(
    fc.property(fc.uniqueArray(directId, { maxLength: 4000, size: "max" }), directId, (ids, other) => {
      const packed = createPackedIds();
      for (const id of ids) expect(packed.add(id)).toBe(true);
      for (const id of ids) expect(packed.add(id) && packed.has(id)).toBe(true);
      expect(packed.size).toBeLessThanOrEqual(ids.length);
      if (!ids.includes(other)) expect(packed.has(other)).toBe(ids.some((id) => isAlike(id, other)));
    }),
    { numRuns: 20 },
  );
});

/** Alike in the 63 bits that are held. */
function isAlike(one: string, other: string): boolean {
  const bits = (id: string): bigint => BigInt(`0x${id.slice(2, 18)}`) | 1n;
  return bits(one) === bits(other);
}

test.each([
  "",
  "x-1",
  `x-${"g".repeat(32)}`,
  `x-${"A".repeat(32)}`,
  `x-${"0".repeat(31)}:`,
  `y-${"0".repeat(32)}`,
])("%j is no such id", (id) => {
  const packed = createPackedIds();
  expect(packed.add(id)).toBe(false);
  expect(packed.has(id)).toBe(false);
  expect(packed.size).toBe(0);
});

test("the last ids of a minute are known, of whatever form, and older ones are forgotten", () => {
  let time = 0;
  const recent = createRecentIds(1000, () => time);
  const id = (n: number): string =>
    n % 2 === 0 ? `x-${n}` : `x-${(n * 7919).toString(16).padStart(8, "0").repeat(4)}`;
  for (let n = 0; n < 5000; n += 1) recent.add(id(n));
  for (let n = 4000; n < 5000; n += 1) expect(recent.has(id(n))).toBe(true);
  for (let n = 0; n < 3000; n += 1) expect(recent.has(id(n))).toBe(false);
  time = 60_000;
  recent.add("x-later");
  expect(recent.has(id(4999))).toBe(true);
  time = 120_000;
  recent.add("x-latest");
  expect(recent.has(id(4999))).toBe(false);
  expect(recent.has("x-later")).toBe(true);
});

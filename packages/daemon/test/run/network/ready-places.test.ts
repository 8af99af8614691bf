import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openReadyPlaces } from "../../../src/run/network/ready-places.js";
import type { PlaceKind } from "../../../src/run/plan-place-kind.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const kind = (port: number, outbound = true): PlaceKind => ({ ports: [port], outbound, only: null });

/** Places that are only written down. */
function open() {
  const made: PlaceKind[] = [];
  const released: string[] = [];
  const trouble = { isBroken: false };
  const places = openReadyPlaces((wish) => {
    if (trouble.isBroken) return Promise.reject(new Error("no more"));
    made.push(wish);
    const address = `198.18.0.${made.length}`;
    const release = (): Promise<void> => Promise.resolve(void released.push(address));
    return Promise.resolve({ netns: `/run/netns/${address}`, address, release });
  });
  return { places, made, released, trouble, settle: () => vi.advanceTimersByTimeAsync(1_000) };
}

test("keeps one of each kind, and makes the next when one was taken", async () => {
  const { places, made, settle } = open();
  places.expect(() => [kind(80), kind(81), kind(80)]);
  expect(places.take(kind(80))).toBeUndefined();
  await settle();
  expect(made).toEqual([kind(80), kind(81)]);
  expect(await places.take(kind(81))).toMatchObject({ address: "198.18.0.2" });
  expect(places.take(kind(81))).toBeUndefined();
  expect(places.take(kind(80, false))).toBeUndefined();
  await settle();
  expect(made).toEqual([kind(80), kind(81), kind(81)]);
});

test("gives up those that nobody is expected for any more", async () => {
  const { places, released, settle } = open();
  let expected = [kind(80), kind(81)];
  places.expect(() => expected);
  await settle();
  expected = [kind(81)];
  places.look();
  await settle();
  expect(released).toEqual(["198.18.0.1"]);
  expect(places.take(kind(80))).toBeUndefined();
});

test("keeps eight kinds at most, the first of them", async () => {
  const { places, made, settle } = open();
  places.expect(() => Array.from({ length: 20 }, (_, index) => kind(index + 1)));
  await settle();
  expect(made.map(({ ports }) => ports[0])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test("one that could not be made is tried again with the next look", async () => {
  const { places, trouble, settle } = open();
  trouble.isBroken = true;
  places.expect(() => [kind(80)]);
  await settle();
  expect(places.take(kind(80))).toBeUndefined();
  trouble.isBroken = false;
  await settle();
  expect(places.take(kind(80))).toBeDefined();
});

test("takes all of them away at the end, and makes no more", async () => {
  const { places, made, released, settle } = open();
  places.expect(() => [kind(80), kind(81)]);
  await settle();
  await places.close();
  expect(released).toHaveLength(2);
  places.look();
  await settle();
  expect(made).toHaveLength(2);
});

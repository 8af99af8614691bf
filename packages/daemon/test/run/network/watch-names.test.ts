import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchNames, type NameWatch } from "../../../src/run/network/watch-names.js";

let answers: Record<string, readonly string[] | Error>;
let asked: string[];
let changes: string[];
let watch: NameWatch;

beforeEach(() => {
  vi.useFakeTimers();
  answers = { a: ["192.0.2.1"], b: ["192.0.2.2"] };
  asked = [];
  changes = [];
});
afterEach(() => {
  watch.close();
  vi.useRealTimers();
});

function open(known?: ReadonlyMap<string, readonly string[]>): NameWatch {
  watch = watchNames({
    lookUp: async (name) => {
      asked.push(name);
      const answer = answers[name];
      if (answer === undefined) return new Promise<never>(() => undefined);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    onChange: (names) => changes.push([...names].join()),
    ...(known === undefined ? {} : { known }),
    everyMs: 30_000,
    keepMs: 100_000,
  });
  return watch;
}

test("a name is asked for at once, and then every half minute while somebody follows it", async () => {
  const names = open();
  await names.follow(["a"]);
  expect(names.addressesOf("a")).toEqual(["192.0.2.1"]);
  expect(names.addressesOf("b")).toEqual([]);
  await names.follow(["a"]);
  expect(asked).toEqual(["a"]);
  await vi.advanceTimersByTimeAsync(65_000);
  expect(asked).toEqual(["a", "a", "a"]);
  names.leave(["a"]);
  names.leave(["a"]);
  await vi.advanceTimersByTimeAsync(65_000);
  expect(asked).toHaveLength(3);
});

test("an address that is not told any more counts for a while, and one that is told again for longer", async () => {
  const names = open();
  await names.follow(["a"]);
  changes = [];
  answers["a"] = ["192.0.2.8", "192.0.2.9"];
  await vi.advanceTimersByTimeAsync(30_000);
  expect(names.addressesOf("a")).toEqual(["192.0.2.1", "192.0.2.8", "192.0.2.9"]);
  expect(changes).toEqual(["a"]);
  answers["a"] = ["192.0.2.9"];
  await vi.advanceTimersByTimeAsync(90_000);
  expect(names.addressesOf("a")).toEqual(["192.0.2.8", "192.0.2.9"]);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(names.addressesOf("a")).toEqual(["192.0.2.9"]);
});

test("while nobody answers, what was known goes on", async () => {
  const names = open();
  await names.follow(["a"]);
  changes = [];
  answers["a"] = new Error("ENOTFOUND");
  await vi.advanceTimersByTimeAsync(600_000);
  expect(names.addressesOf("a")).toEqual(["192.0.2.1"]);
  expect(changes).toEqual([]);
});

test("a name without an answer keeps nobody waiting for long, and counts when it comes", async () => {
  delete answers["a"];
  const names = open();
  let isThere = false;
  const following = names.follow(["a", "b"]).then(() => (isThere = true));
  await vi.advanceTimersByTimeAsync(1900);
  expect(isThere).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  await following;
  expect(names.addressesOf("b")).toEqual(["192.0.2.2"]);
  expect(changes.join()).not.toContain("a");
});

test("what an earlier daemon knew holds until it is asked for, without waiting", async () => {
  delete answers["a"];
  const names = open(new Map([["a", ["192.0.2.77"]]]));
  await names.follow(["a"]);
  expect(asked).toEqual(["a"]);
  expect(names.addressesOf("a")).toEqual(["192.0.2.77"]);
});

test("after close nobody is asked any more", async () => {
  const names = open();
  await names.follow(["a"]);
  names.close();
  names.close();
  await vi.advanceTimersByTimeAsync(300_000);
  expect(asked).toEqual(["a"]);
});

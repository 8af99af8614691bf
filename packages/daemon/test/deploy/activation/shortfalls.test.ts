import { BloomError } from "@bloomery/contract";
import { expect, test } from "vitest";
import { createShortfalls } from "../../../src/deploy/activation/shortfalls.js";
import type { Instance } from "../../../src/run/engines/engine.js";

const fail = (): Promise<unknown> => Promise.reject(new BloomError("ERR_START_FAILED", "exit code 3"));
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a start that fails beside others that run is told until one succeeds or another release is live", async () => {
  let live = [{ releaseId: "one" }] as Instance[];
  const shortfalls = createShortfalls(() => live);
  expect([shortfalls.failureOf("env"), shortfalls.failing()]).toEqual([null, []]);
  const told = "no further replica could be started: exit code 3";
  shortfalls.follow("env", fail());
  await soon();
  expect([shortfalls.failureOf("env"), shortfalls.failing()]).toEqual([told, ["env"]]);
  shortfalls.follow("env", Promise.resolve());
  await soon();
  expect([shortfalls.failureOf("env"), shortfalls.failing()]).toEqual([null, []]);

  shortfalls.follow("env", fail());
  await soon();
  expect(shortfalls.failureOf("env")).toBe(told);
  live = [{ releaseId: "two" }] as Instance[];
  expect([shortfalls.failing(), shortfalls.failureOf("env")]).toEqual([[], null]);
});

test("where nothing runs the one who asked is told, and nobody else", async () => {
  const shortfalls = createShortfalls(() => []);
  shortfalls.follow("env", fail());
  await soon();
  expect(shortfalls.failing()).toEqual([]);
});

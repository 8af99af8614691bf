import { expect, it } from "vitest";
import { startAhead } from "../../../src/deploy/function/compile-ahead.js";
import type { AheadResult } from "../../../src/build/function/make-ahead.js";

interface Bench {
  readonly said: string[];
  readonly log: { info(fields: object, text: string): void };
  readonly logged: Promise<void>;
}

function openBench(): Bench {
  const said: string[] = [];
  let tell: () => void = () => undefined;
  const logged = new Promise<void>((resolve) => (tell = resolve));
  const info = (_fields: object, text: string): void => {
    said.push(text);
    tell();
  };
  return { said, log: { info }, logged };
}

it("waits until nobody builds, and goes on after it made way", async () => {
  const { said, log, logged } = openBench();
  const results: AheadResult[] = ["gave-way", "gave-way", "made"];
  let idles = 0;
  const ahead = startAhead({
    make: () => Promise.resolve(results.shift() ?? "present"),
    idle: () => Promise.resolve(void idles++),
    log,
  });
  await logged;
  expect({ idles, said, left: results.length }).toEqual({
    idles: 3,
    said: ["what functions share is compiled"],
    left: 0,
  });
  await ahead.close();
});

it("tries once where it cannot be done, and says so", async () => {
  const { said, log, logged } = openBench();
  let tries = 0;
  const ahead = startAhead({
    make: () => Promise.reject(new Error(`no network ${++tries}`)),
    idle: () => Promise.resolve(),
    log,
  });
  await logged;
  await ahead.close();
  expect({ tries, said }).toEqual({ tries: 1, said: ["what functions share could not be compiled ahead"] });
});

it("ends what it does when it is closed, also while it waits, and says nothing then", async () => {
  const { said, log } = openBench();
  const waiting = startAhead({
    make: () => Promise.reject(new Error("never asked")),
    idle: () => new Promise(() => undefined),
    log,
  });
  await waiting.close();
  let begun: () => void = () => undefined;
  const isRunning = new Promise<void>((resolve) => (begun = resolve));
  const running = startAhead({
    make: (signal) => {
      begun();
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new Error("killed")), { once: true }),
      );
    },
    idle: () => Promise.resolve(),
    log,
  });
  await isRunning;
  await running.close();
  await running.close();
  expect(said).toEqual([]);
});

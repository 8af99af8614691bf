import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchNetwork } from "../../src/deploy/watch-network.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("looks after the rules again and again, says what it has put back, and goes on after a failure", async () => {
  const answers: (boolean | Error)[] = [false, true, new Error("nft failed"), false];
  let swept = 0;
  const said: string[] = [];
  const end = watchNetwork(
    {
      async repair() {
        const answer = answers.shift() ?? false;
        if (answer instanceof Error) throw answer;
        return answer;
      },
      sweep: async () => (swept++, []),
    },
    { warn: (_fields, words) => said.push(words) },
    1000,
  );
  await vi.advanceTimersByTimeAsync(4100);
  expect(answers).toEqual([]);
  expect(swept).toBe(3);
  expect(said).toEqual([
    "the rules of the instances' network were gone and are back",
    "the instances' network could not be looked after",
  ]);
  await end();
  await vi.advanceTimersByTimeAsync(5000);
  expect(swept).toBe(3);
});

test("ends only when nothing is under way, and then for good", async () => {
  let finish: () => void = () => undefined;
  let begun = 0;
  const end = watchNetwork(
    {
      repair: () => new Promise((resolve) => (begun++, (finish = () => resolve(false)))),
      sweep: async () => [],
    },
    { warn: () => undefined },
    1000,
  );
  await vi.advanceTimersByTimeAsync(1000);
  let isEnded = false;
  const ended = end().then(() => (isEnded = true));
  await vi.advanceTimersByTimeAsync(5000);
  expect(isEnded).toBe(false);
  finish();
  await ended;
  await vi.advanceTimersByTimeAsync(5000);
  expect(begun).toBe(1);
});

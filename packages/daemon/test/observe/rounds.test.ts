import { expect, test } from "vitest";
import { createRounds } from "../../src/observe/rounds.js";

/** Rounds whose time goes on only when it is told to. */
function openRounds(options: { readonly fail?: () => boolean } = {}) {
  let time = 0;
  let timers: { readonly at: number; readonly call: () => void }[] = [];
  let finish: (() => void) | undefined;
  const begun: number[] = [];
  const errors: unknown[] = [];
  const rounds = createRounds(
    async () => {
      begun.push(time);
      await new Promise<void>((resolve) => (finish = resolve));
      if (options.fail?.() === true) throw new Error("disk full");
    },
    {
      ...{ waitMs: 200, longestMs: 3000, retryMs: 1000, onError: (error) => void errors.push(error) },
      clock: {
        now: () => time,
        after(ms, call) {
          const timer = { at: time + ms, call };
          timers.push(timer);
          return () => (timers = timers.filter((one) => one !== timer));
        },
      },
    },
  );
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const pass = async (ms: number): Promise<void> => {
    time += ms;
    const due = timers.filter(({ at }) => at <= time);
    timers = timers.filter(({ at }) => at > time);
    for (const { call } of due) call();
    await settle();
  };
  /** The round under way ends after so long. */
  const end = async (ms: number): Promise<void> => {
    await pass(ms);
    finish?.();
    await settle();
  };
  return { rounds, begun, errors, pass, end, settle, timers: () => timers.map(({ at }) => at) };
}

test("what comes in quick succession is done in one round, a moment later", async () => {
  const { rounds, begun, pass } = openRounds();
  rounds.soon();
  await pass(150);
  rounds.soon();
  expect(begun).toEqual([]);
  await pass(50);
  expect(begun).toEqual([200]);
});

test.each([
  [1, 200],
  [10, 200],
  [20, 300],
  [100, 1500],
  [200, 3000],
  [60_000, 3000],
])("after a round of %d ms the next one waits for %d ms", async (took, rest) => {
  const { rounds, begun, pass, end } = openRounds();
  rounds.soon();
  await pass(200);
  rounds.soon(); // while it is under way
  await end(took);
  await pass(rest - 1);
  expect(begun).toEqual([200]);
  await pass(1);
  expect(begun).toEqual([200, 200 + took + rest]);
});

test("a rest that is over delays nothing", async () => {
  const { rounds, begun, pass, end } = openRounds();
  rounds.soon();
  await pass(200);
  await end(100);
  expect(rounds.isBusy()).toBe(true);
  await pass(10_000);
  expect(rounds.isBusy()).toBe(false);
  rounds.soon();
  await pass(200);
  expect(begun).toEqual([200, 10_500]);
});

test("who asks for a round now never waits for a rest, and what was asked for before is done with it", async () => {
  const { rounds, begun, pass, end, settle, timers } = openRounds();
  rounds.soon();
  await pass(200);
  rounds.soon();
  await end(200);
  expect(timers()).toEqual([3400]);
  const done = rounds.now();
  await settle();
  expect(begun).toEqual([200, 400]);
  expect(timers()).toEqual([]);
  await end(1);
  await done;
  await pass(5000);
  expect(begun).toEqual([200, 400]);
});

test("who asks while a round is under way gets the next one, together with others", async () => {
  const { rounds, begun, end, settle } = openRounds();
  const first = rounds.now();
  await settle();
  let done = 0;
  const others = [rounds.now(), rounds.now()].map((one) => one.then(() => (done += 1)));
  await end(500);
  await first;
  expect({ begun, done }).toEqual({ begun: [0, 500], done: 0 });
  await end(1);
  await Promise.all(others);
  expect(begun).toEqual([0, 500]);
});

test("a round that failed is tried again, and says so to who waits for it", async () => {
  let broken = true;
  const { rounds, begun, errors, pass, end, settle } = openRounds({ fail: () => broken });
  const failing = Promise.allSettled([rounds.now()]);
  await settle();
  await end(5);
  expect(await failing).toEqual([{ status: "rejected", reason: new Error("disk full") }]);
  expect(errors).toHaveLength(1);
  broken = false;
  await pass(1000);
  await end(5);
  expect(begun).toEqual([0, 1005]);
  expect(errors).toHaveLength(1);
});

test("none begins after the end", async () => {
  const { rounds, begun, pass, end } = openRounds();
  rounds.soon();
  await pass(200);
  rounds.soon();
  const closed = rounds.close();
  await end(1);
  await closed;
  rounds.soon();
  await pass(10_000);
  expect(begun).toEqual([200]);
});

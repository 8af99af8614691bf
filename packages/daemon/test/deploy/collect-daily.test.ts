import { expect, test } from "vitest";
import { collectDaily } from "../../src/deploy/collect-daily.js";

test("goes on day by day, also after a failure, and closing waits for the round under way", async () => {
  const said: string[] = [];
  let rounds = 0;
  let reached: () => void = () => undefined;
  const third = new Promise<void>((resolve) => (reached = resolve));
  let finish: () => void = () => undefined;
  const daily = collectDaily({
    async collect() {
      rounds++;
      if (rounds === 1) throw new Error("the disk is busy");
      if (rounds === 3) {
        reached();
        await new Promise<void>((resolve) => (finish = resolve));
      }
      return { artifacts: 1 };
    },
    log: { info: (_fields, text) => void said.push(text), warn: (_fields, text) => void said.push(text) },
    times: { firstMs: 1, everyMs: 1 },
  });
  await third;
  let closed = false;
  const closing = daily.close().then(() => (closed = true));
  await Promise.resolve();
  expect(closed).toBe(false);
  finish();
  await closing;
  expect(said.map((text) => text.includes("failed"))).toEqual([true, false, false]);
  expect(rounds).toBe(3);
});

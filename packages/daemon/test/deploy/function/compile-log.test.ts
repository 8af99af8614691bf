import { expect, test } from "vitest";
import { createCompileLogs, type CompileLine } from "../../../src/deploy/function/compile-log.js";

const never = new AbortController().signal;

async function collect(lines: AsyncIterable<CompileLine> | undefined): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const { text } of lines ?? []) texts.push(text);
  return texts;
}

test("whoever joins late sees everything, in order, until the end", async () => {
  const logs = createCompileLogs(() => 7);
  const log = logs.open("b1");
  const early = collect(logs.follow("b1", never));
  log.write("one");
  await Promise.resolve();
  log.write("two");
  const late = collect(logs.follow("b1", never));
  log.write("three");
  log.close();
  expect(await early).toEqual(["one", "two", "three"]);
  expect(await late).toEqual(["one", "two", "three"]);
  expect(logs.follow("b1", never)).toBeUndefined();
});

test("one who leaves is let go, though nothing is said", async () => {
  const logs = createCompileLogs();
  const log = logs.open("b1");
  const abort = new AbortController();
  const lines = collect(logs.follow("b1", abort.signal));
  log.write("one");
  abort.abort();
  expect(await lines).toEqual(["one"]);
  log.close();
});

test("of a very chatty compile the last lines are kept", async () => {
  const logs = createCompileLogs();
  const log = logs.open("b1");
  for (let count = 0; count < 40_000; count++) log.write(String(count));
  const lines = collect(logs.follow("b1", never));
  log.close();
  const texts = await lines;
  expect(texts.length).toBeGreaterThanOrEqual(10_000);
  expect(texts.length).toBeLessThanOrEqual(15_000);
  expect(texts.at(-1)).toBe("39999");
});

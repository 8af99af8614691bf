import type { ShimStatus } from "@bloomery/contract";
import { expect, test } from "vitest";
import { createInstanceEnds } from "../../src/observe/instance-ends.js";
import type { Instance } from "../../src/run/engines/engine.js";

type Exit = NonNullable<ShimStatus["last_exit"]>;

const now = Date.parse("2026-03-01T12:00:00.000Z");

function exit(seconds: number, more: Partial<Exit> = {}): Exit {
  const at = new Date(now + seconds * 1000).toISOString();
  return { code: 3, signal: null, at, oom: false, ran_ms: 500, note: null, ...more };
}

/** An instance whose shim tells what it is told to. */
function instance(environmentId: string, last: Exit | null = null) {
  let tell: (status: ShimStatus) => void = () => undefined;
  const told: Pick<Instance, "environmentId" | "memoryBytes" | "status" | "watchStatus"> = {
    ...{ environmentId, memoryBytes: 96 * 1_048_576, status: { last_exit: last } as ShimStatus },
    watchStatus(listener) {
      tell = listener;
      return () => undefined;
    },
  };
  return { told, end: (last_exit: Exit) => tell({ last_exit } as ShimStatus) };
}

test("a request that was broken off is explained by the end of a process at that moment", () => {
  const ends = createInstanceEnds(() => now);
  const one = instance("env-1");
  ends.watch(one.told);
  one.end(exit(-10));
  one.end(exit(-2, { code: null, signal: "SIGKILL", oom: true }));
  one.end(exit(-1, { code: null, signal: "SIGSEGV" }));
  const at = (seconds: number, lasted = 0.5) =>
    ends.explain("env-1", now + (seconds - lasted) * 1000, now + seconds * 1000);
  expect(at(-10)).toBe("the function's process ended: exit code 3 after 500 ms");
  // A connection breaks about when the end is told; on a machine with much to do that is rough.
  expect(at(-2.05)).toBe(
    "the function's process was killed: it used more than its 96 MB of memory, after 500 ms",
  );
  expect(at(-1)).toBe("the function's process was killed by SIGSEGV after 500 ms");
  expect(at(-4.5)).toContain("96 MB");
  // It came when that process was gone already, it ended long after it, or it was another function's.
  expect(at(-0.9, 0.05)).toBeUndefined();
  expect(at(5)).toBeUndefined();
  expect(ends.explain("env-2", now - 3000, now - 2000)).toBeUndefined();
});

test("the last end before a daemon came is known, once, and none for ever", () => {
  let time = now;
  const ends = createInstanceEnds(() => time);
  const one = instance("env-1", exit(-1));
  ends.watch(one.told);
  one.end(exit(-1));
  expect(ends.explain("env-1", now - 2000, now - 1000)).toContain("exit code 3");
  time += 120_000;
  one.end(exit(120));
  expect(ends.explain("env-1", now - 2000, now - 1000)).toBeUndefined();
  expect(ends.explain("env-1", now + 119_000, now + 120_000)).toContain("exit code 3");
});

import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { createLanes, type Waiting } from "../../../../src/deploy/function/invoke/queue-lanes.js";

function openLanes(total: number) {
  const running = new Map<string, { readonly waiting: Waiting; readonly end: () => void }>();
  const begun: string[] = [];
  const lanes = createLanes(total, (waiting) => {
    begun.push(waiting.execution);
    return new Promise((resolve) => {
      const end = (): void => {
        running.delete(waiting.execution);
        resolve();
      };
      running.set(waiting.execution, { waiting, end });
    });
  });
  const add = (environmentId: string, execution: string): void =>
    lanes.add({ execution, environmentId, since: 0 });
  const end = async (execution: string): Promise<void> => {
    running.get(execution)?.end();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { lanes, running, begun, add, end };
}

test("a function that has much to do does not keep the others waiting", async () => {
  const { lanes, begun, add, end } = openLanes(2);
  lanes.setLimit("a", 9);
  for (const name of ["a1", "a2", "a3", "a4"]) add("a", name);
  for (const name of ["b1", "c1"]) add(name.slice(0, 1), name);
  for (const name of ["a1", "a2", "a3"]) await end(name);
  expect(begun.slice(0, 5)).toEqual(["a1", "a2", "a3", "b1", "c1"]);
});

test("a pause holds one back and not what comes after it", async () => {
  vi.useFakeTimers();
  try {
    const { lanes, begun, add } = openLanes(9);
    lanes.setLimit("a", 9);
    lanes.addLater({ execution: "a1", environmentId: "a", since: 0 }, 100);
    lanes.addLater({ execution: "a2", environmentId: "a", since: 0 }, 100);
    add("a", "a3");
    expect([begun, lanes.count("a")]).toEqual([["a3"], 2]);
    expect(lanes.remove({ execution: "a2", environmentId: "a" })).toBe(true);
    expect(lanes.remove({ execution: "a2", environmentId: "a" })).toBe(false);
    expect(lanes.remove({ execution: "a3", environmentId: "a" })).toBe(false);
    vi.advanceTimersByTime(100);
    expect([begun, lanes.count("a")]).toEqual([["a3", "a1"], 0]);
  } finally {
    vi.useRealTimers();
  }
});

test("after its close nothing begins", () => {
  const { lanes, begun, add } = openLanes(9);
  lanes.close();
  add("a", "a1");
  expect(begun).toEqual([]);
});

test("however they come and end, all run once, in order within a function, and never too many", async () => {
  const step = fc.record({ lane: fc.constantFrom("a", "b", "c"), ends: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      async (steps, total) => {
        const { lanes, running, begun, add, end } = openLanes(total);
        const added: string[] = [];
        const check = (): void => {
          expect(running.size).toBeLessThanOrEqual(total);
          for (const lane of ["a", "b", "c"]) {
            const now = [...running.values()].filter(({ waiting }) => waiting.environmentId === lane);
            expect(now.length).toBeLessThanOrEqual(2);
          }
        };
        for (const { lane, ends } of steps) {
          lanes.setLimit(lane, 2);
          if (ends) await end([...running.keys()][0] ?? "");
          else {
            add(lane, `${lane}${added.length}`);
            added.push(`${lane}${added.length}`);
          }
          check();
        }
        while (running.size > 0) {
          await end([...running.keys()][0] ?? "");
          check();
        }
        for (const lane of ["a", "b", "c"]) {
          const of = (names: readonly string[]) => names.filter((name) => name.startsWith(lane));
          expect(of(begun)).toEqual(of(added));
        }
      },
    ),
    { numRuns: 60 },
  );
});

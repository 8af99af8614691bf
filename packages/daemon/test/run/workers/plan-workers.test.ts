import { expect, test } from "vitest";
import { planWorkers } from "../../../src/run/workers/plan-workers.js";

const now = 1_700_000_100_500;
const stats = {
  ...{ id: 1, pid: 7, accepting: true, requests: 5, status: "busy", rss: 0, last_spawn: 1_700_000_000 },
  cores: [
    { id: 0, requests: 2, in_request: true },
    { id: 1, requests: 3, in_request: false },
  ],
};
const processes = new Map([[7, { pid: 4711, memoryBytes: 8192 }]]);

test("a worker has the pid and the memory that the machine sees", () => {
  expect(planWorkers([stats], processes, now)).toEqual([
    {
      ...{
        id: 1,
        pid: 4711,
        state: "busy",
        accepting: true,
        requests: 5,
        memoryBytes: 8192,
        ageSeconds: 100,
      },
      threads: [
        { core: 0, state: "busy", requests: 2 },
        { core: 1, state: "idle", requests: 3 },
      ],
    },
  ]);
  expect(planWorkers([{ ...stats, rss: 1000 }], processes, now)[0]?.memoryBytes).toBe(1000);
});

test("what nobody knows is null, and nobody is younger than new", () => {
  const stranger = planWorkers([{ ...stats, pid: 8 }], processes, now);
  expect(stranger[0]).toMatchObject({ pid: null, memoryBytes: null, ageSeconds: 100 });
  const empty = planWorkers([{ ...stats, pid: 0, status: "cheap", cores: [] }], processes, now);
  expect(empty[0]).toMatchObject({ pid: null, memoryBytes: null, ageSeconds: null, threads: [] });
  expect(planWorkers([stats], processes, 0)[0]?.ageSeconds).toBe(0);
  expect(planWorkers([{ ...stats, last_spawn: 0 }], processes, now)[0]?.ageSeconds).toBeNull();
});

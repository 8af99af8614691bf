import { expect, test } from "vitest";
import type { ShimStatus } from "@bloomery/contract";
import { compareInstances, viewInstance } from "../../src/observe/list-instances.js";
import type { Instance } from "../../src/run/engines/engine.js";

const lastExit = { code: null, signal: "SIGKILL", at: "", oom: true, ran_ms: 2500, note: null };

test("a kill for memory names the limit that was passed", async () => {
  const status = { state: "ready", started_at: null, last_exit: lastExit } as unknown as ShimStatus;
  const instance = {
    ...{ id: "i-1", role: "web", replica: 0, memoryBytes: 64_000_000 },
    ...{ address: { kind: "tcp", address: "127.0.0.1", port: 8888 }, refresh: async () => status },
    readWorkers: async () => null,
  } as unknown as Instance;
  const place = { org: "local", app: "shop", environment: "main", version: 1 };
  expect((await viewInstance(instance, place)).lastExit).toBe(
    "killed: it used more than its 64 MB of memory, after 2.5 s",
  );
});

test("instances are in order of their names, then of versions and replicas", () => {
  const make = (org: string, app: string, environment: string, version: number, replica: number) => ({
    ...{ org, app, environment, version, role: "web", replica },
  });
  const ordered = [
    make("acme", "shop", "main", 3, 0),
    make("local", "api", "main", 1, 0),
    make("local", "api", "staging", 1, 0),
    make("local", "shop", "main", 2, 0),
    make("local", "shop", "main", 2, 10),
    make("local", "shop", "main", 10, 1),
  ];
  expect(ordered.toReversed().sort(compareInstances)).toEqual(ordered);
});

import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { completeConfig, type FunctionConfig } from "@bloomery/contract";
import type { RoutedEnvironment } from "../../../../src/deploy/edge.js";
import { openGates } from "../../../../src/deploy/function/gate/gates.js";

const makeServed = (slot: number, own: Partial<FunctionConfig> | null): RoutedEnvironment => ({
  ...{ id: `env-${slot}`, slot, org: "acme", app: `app${slot}`, environment: "main", desired: "running" },
  ...{
    config: completeConfig({ web: { start: "x" }, function: own }),
    artifactDir: "/a",
    replicas: 1,
    upstreams: [],
  },
});

test("gates come before nginx is led to them and go after it was led away", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bloom-gates-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "gate-9.sock"), "left behind");
  const holdPath = ({ slot }: { readonly slot: number }): string => join(folder, `hold-${slot}.sock`);
  const gates = await openGates({ folder, owner: null, holdPath, log: { error: () => undefined } });
  onTestFinished(() => gates.close());
  expect(await readdir(folder)).toEqual([]);

  const closeNone = await gates.follow([
    makeServed(1, { inputSchema: {} }),
    makeServed(2, { outputSchema: {} }),
    makeServed(3, {}),
    makeServed(4, null),
  ]);
  await closeNone();
  expect(await readdir(folder)).toEqual(["gate-1.sock", "gate-2.sock"]);

  const closeOthers = await gates.follow([makeServed(1, {}), makeServed(2, { inputSchema: {} })]);
  expect(existsSync(join(folder, "gate-1.sock"))).toBe(true);
  await closeOthers();
  expect(await readdir(folder)).toEqual(["gate-2.sock"]);
  await gates.close();
  await gates.close();
  expect(await readdir(folder)).toEqual([]);
});

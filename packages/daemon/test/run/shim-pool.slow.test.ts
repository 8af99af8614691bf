import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { cgroupBases, type CgroupLayout } from "../../src/run/plan-cgroups.js";
import { ask, cleanUp, isRoot, openRealEngine, startReady } from "./engines/real-engine.js";
import { functionConfig } from "./engines/perl-function.js";

afterEach(cleanUp);

/** The groups below those of this test, by their names. */
const groupsIn = (layout: CgroupLayout): string[] => {
  const names = cgroupBases(layout).flatMap((base) =>
    existsSync(base) ? readdirSync(base, { withFileTypes: true }) : [],
  );
  return [...new Set(names.filter((entry) => entry.isDirectory()).map((entry) => entry.name))];
};
const readPids = (base: string, id: string): number[] => {
  const file = join(base, id, "cgroup.procs");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  return text.split("\n").filter(Boolean).map(Number);
};
const pidsIn = (layout: CgroupLayout, id: string): number[] =>
  cgroupBases(layout).flatMap((base) => readPids(base, id));

/** Opens the pool and waits until its first shims have joined their groups. */
async function fill({ engine, host }: Awaited<ReturnType<typeof openRealEngine>>, count = 3): Promise<void> {
  engine.keepShims();
  const isJoined = (id: string) => cgroupBases(host.cgroups).every((base) => readPids(base, id).length > 0);
  await vi.waitUntil(() => groupsIn(host.cgroups).filter(isJoined).length === count, { timeout: 5_000 });
}

test.runIf(isRoot)("an instance gets a shim that waited for it, and the shim leaves its groups", async () => {
  const real = await openRealEngine();
  await fill(real);
  const id = real.engine.nextId(functionConfig);
  expect(groupsIn(real.host.cgroups)).toContain(id);
  const [waiting] = pidsIn(real.host.cgroups, id);
  const wish = await real.makeWish();
  const instance = await startReady(real.engine, { ...wish, id });
  expect(instance.status.shim_pid).toBe(waiting);
  expect(await ask(instance, "echo here")).toBe("here\n");
  await vi.waitUntil(() => !pidsIn(real.host.cgroups, id).includes(instance.status.shim_pid));
  expect(pidsIn(real.host.cgroups, id)).toContain(instance.status.pid);
  expect(instance.status.warnings).toEqual([]);
  await instance.stop(1000);
  expect(groupsIn(real.host.cgroups)).not.toContain(id);
});

test.runIf(isRoot)(
  "who is expected to be woken gets one without a sandbox, when he is waited for",
  async () => {
    const real = await openRealEngine();
    const wish = await real.makeWish();
    real.engine.expect(() => [wish.config]);
    await fill(real, 4);
    const before = new Set(groupsIn(real.host.cgroups));
    expect(before).not.toContain(real.engine.nextId(null));
    const id = real.engine.nextId(wish.config);
    expect(before).toContain(id);
    const waiting = pidsIn(real.host.cgroups, id);
    expect(new Set(waiting).size).toBe(1);
    const instance = await startReady(real.engine, { ...wish, id });
    expect(waiting).toContain(instance.status.shim_pid);
    expect(instance.status.warnings).toEqual([]);
    expect(await ask(instance, "echo here")).toBe("here\n");
  },
);

test.runIf(isRoot)("what nobody took goes with the pool", async () => {
  const real = await openRealEngine();
  await fill(real);
  real.engine.nextId(functionConfig);
  const pids = groupsIn(real.host.cgroups).flatMap((name) => pidsIn(real.host.cgroups, name));
  // Promised and never started.
  await real.engine.close();
  await vi.waitUntil(() => groupsIn(real.host.cgroups).length === 0);
  await expect.poll(() => pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
});

test.runIf(isRoot)("one that was killed while it waited is replaced by another", async () => {
  const real = await openRealEngine();
  await fill(real);
  const id = real.engine.nextId(functionConfig);
  const [shim = Number.NaN] = pidsIn(real.host.cgroups, id);
  process.kill(shim, "SIGKILL");
  const instance = await startReady(real.engine, { ...(await real.makeWish()), id });
  expect(await ask(instance, "echo here")).toBe("here\n");
});

test("without one at hand a new one is started", async () => {
  const real = await openRealEngine();
  const instance = await startReady(real.engine, {
    ...(await real.makeWish()),
    id: real.engine.nextId(functionConfig),
  });
  expect(await ask(instance, "echo here")).toBe("here\n");
});

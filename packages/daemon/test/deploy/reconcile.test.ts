import { expect, onTestFinished, test } from "vitest";
import type { Fleet } from "../../src/deploy/fleet.js";
import type { Healer } from "../../src/deploy/heal.js";
import { reconcile } from "../../src/deploy/reconcile.js";
import type { Engine, Instance } from "../../src/run/engines/engine.js";
import { openStore } from "../../src/store/index.js";
import { createSample } from "../store/samples.js";

/** One environment with one instance that an earlier daemon left running. */
async function openBench(release: (live: string) => string) {
  const store = await openStore({ url: "sqlite::memory:" });
  onTestFinished(() => store.close());
  const sample = await createSample(store);
  await store.environments.update(sample.environment.id, { liveReleaseId: sample.release.id });
  const running = {
    ...{ id: sample.instance.id, environmentId: sample.environment.id, status: { state: "ready" } },
    releaseId: release(sample.release.id),
  } as unknown as Instance;
  const told = { promoted: [] as string[], retired: [] as string[], said: [] as string[] };
  const idsOf = (instances: readonly Instance[]): string[] => instances.map(({ id }) => id);
  const fleet = {
    ...{ adopt: () => undefined, all: () => [running] },
    promote: (_: string, instances: readonly Instance[]) => void (told.promoted = idsOf(instances)),
    retire: async (instances: readonly Instance[]) => void (told.retired = idsOf(instances)),
  } as unknown as Fleet;
  const run = (heal: Healer["heal"], wantedOf: Parameters<typeof reconcile>[0]["wantedOf"]) =>
    reconcile({
      ...{ store, fleet, wantedOf, patienceMs: 50 },
      engine: { list: async () => [running.id], adopt: async () => running } as unknown as Engine,
      healer: { heal } as Healer,
      sweepStrays: async () => undefined,
      log: { info: (_, text) => void told.said.push(text), warn: () => undefined },
    });
  return { ...sample, running, told, run };
}

test("an app that does not come up keeps nobody waiting for long", async () => {
  const { run, told } = await openBench((live) => live);
  await run(
    () => new Promise(() => undefined),
    async () => undefined,
  );
  expect(told.said).toContain("not every app is up yet; they are tried further");
});

test("when all are up it says nothing of those that are not", async () => {
  const { run, told } = await openBench((live) => live);
  await run(
    async () => undefined,
    async () => undefined,
  );
  expect(told.said).toEqual(["running instances found again"]);
});

test("what a release needs cannot be read: what serves it goes on, what is older is retired", async () => {
  const unreadable = () => Promise.reject(new Error("sealed with another key"));
  const live = await openBench((id) => id);
  await live.run(async () => undefined, unreadable);
  expect(live.told).toMatchObject({ promoted: [live.running.id], retired: [] });
  const older = await openBench(() => "rel-older");
  await older.run(async () => undefined, unreadable);
  expect(older.told).toMatchObject({ promoted: [], retired: [older.running.id] });
});

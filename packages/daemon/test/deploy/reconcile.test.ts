import { completeConfig } from "@bloomery/contract";
import { expect, onTestFinished, test } from "vitest";
import type { Fleet } from "../../src/deploy/fleet.js";
import type { Healer } from "../../src/deploy/heal.js";
import { reconcile } from "../../src/deploy/reconcile.js";
import type { Engine, Instance } from "../../src/run/engines/engine.js";
import { createServedList } from "../../src/deploy/served.js";
import { openStore } from "../../src/store/index.js";
import { createSample, sampleConfig } from "../store/samples.js";

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
  const told = { promoted: [], retired: [], said: [], cleared: [], found: [], healed: [] } as Record<
    "promoted" | "retired" | "said" | "cleared" | "found" | "healed",
    string[]
  >;
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
      healer: { heal: (id) => (told.healed.push(id), heal(id)) } as Healer,
      sweepStrays: async () => undefined,
      edge: { point: async (environment) => void told.cleared.push(environment.id) },
      listServed: createServedList(store, (digest) => digest),
      onFound: async (served) => void told.found.push(...served.map(({ id }) => id)),
      log: { info: (_, text) => void told.said.push(text), warn: () => undefined },
    });
  return { ...sample, store, running, told, run };
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

test("functions that sleep are not healed: nothing has to run, and their names lead nowhere", async () => {
  const { run, told, store, org, environment } = await openBench((id) => id);
  const publish = async (
    name: string,
    minReplicas: number,
    desired: "running" | "stopped",
  ): Promise<string> => {
    const app = await store.apps.create({ orgId: org.id, name });
    const own = await store.environments.create({ appId: app.id, name: "main", desired });
    const build = await store.builds.create({ appId: app.id, key: name, tree: "t1" });
    const config = completeConfig({ ...sampleConfig, name, function: { minReplicas } });
    const origin = { artifact: "a1", tree: "t1", config, createdBy: "ada" };
    const version = await store.versions.create({ appId: app.id, buildId: build.id, ...origin });
    const release = await store.releases.create({
      ...{ environmentId: own.id, versionId: version.id, variables: "sealed" },
    });
    await store.environments.update(own.id, { liveReleaseId: release.id });
    return own.id;
  };
  const asleep = await publish("asleep", 0, "running");
  const kept = await publish("kept", 1, "running");
  const stopped = await publish("stopped", 1, "stopped");
  await run(
    async () => undefined,
    async () => undefined,
  );
  expect(told.found.toSorted()).toEqual([environment.id, asleep, kept, stopped].toSorted());
  expect(told.cleared.toSorted()).toEqual([asleep, stopped].toSorted());
  expect(told.healed.toSorted()).toEqual([environment.id, kept].toSorted());
});

import { BloomError, completeConfig } from "@bloomery/contract";
import { expect, onTestFinished, test } from "vitest";
import { viewDeployment, viewEnvironment, type ViewParts } from "../../src/api/views.js";
import { openStore } from "../../src/store/index.js";
import { createSample } from "../store/samples.js";

test("the hint of a failed deployment names the app", async () => {
  const store = await openStore({ url: "sqlite::memory:" });
  onTestFinished(() => store.close());
  const { deployment } = await createSample(store);
  const error = new BloomError("ERR_HOOK_FAILED", "the deploy hook ended with code 1").toDocument();
  const parts = { store, edge: { baseDomain: "localhost", httpPort: 80 } } as unknown as ViewParts;
  const view = await viewDeployment(parts, { ...deployment, error });
  expect(view.error?.hint).toMatch(/^`bloom log deploy shop` shows/);
});

test("an environment that lacks instances says why: how one ended, else why none could be started", async () => {
  const store = await openStore({ url: "sqlite::memory:" });
  onTestFinished(() => store.close());
  const { org, app, environment, release } = await createSample(store);
  await store.environments.update(environment.id, { liveReleaseId: release.id });
  const viewWith = async (...statuses: object[]) => {
    const live = statuses.map((status, replica) => ({ role: "web", replica, status, memoryBytes: null }));
    const parts = {
      store,
      fleet: { live: () => live },
      healer: { failureOf: () => "the volume cannot be made" },
      activation: { isPutToSleep: () => false },
      edge: { baseDomain: "localhost", httpPort: 80 },
    } as unknown as ViewParts;
    return viewEnvironment(parts, { org, app, environment });
  };
  const ready = { state: "ready", last_exit: null, last_probe: null };
  expect(await viewWith(ready, ready)).toMatchObject({ health: "running", trouble: null });
  const lacking = { health: "starting", trouble: "the volume cannot be made" };
  expect(await viewWith(ready)).toMatchObject(lacking);
  const refused = { state: "starting", last_exit: null, last_probe: "connection refused" };
  const starting = { health: "starting", trouble: "web/1: connection refused" };
  expect(await viewWith(ready, refused)).toMatchObject(starting);
  const last_exit = { code: 3, signal: null, oom: false, ran_ms: 5, note: null, at: "" };
  const crashed = { state: "crashed", last_exit, last_probe: null };
  const one = "exit code 3 after 5 ms";
  const degraded = { health: "degraded", trouble: `web/1: ${one}`, instances: { ready: 1, wanted: 2 } };
  expect(await viewWith(ready, crashed)).toMatchObject(degraded);
  const both = { health: "crashed", trouble: `web/0: ${one}; web/1: ${one}` };
  expect(await viewWith(crashed, crashed)).toMatchObject(both);
});

test("a function that was put to sleep sleeps, however many it keeps running otherwise", async () => {
  const store = await openStore({ url: "sqlite::memory:" });
  onTestFinished(() => store.close());
  const { org, app, environment, build } = await createSample(store);
  const config = completeConfig({ web: { start: "" }, function: { minReplicas: 2, maxReplicas: 2 } });
  const code = { artifact: "a", tree: "t", config, createdBy: "ada" };
  const version = await store.versions.create({ appId: app.id, buildId: build.id, ...code });
  const inside = { environmentId: environment.id, versionId: version.id, variables: "" };
  await store.environments.update(environment.id, {
    liveReleaseId: (await store.releases.create(inside)).id,
  });
  const view = async (isPutToSleep: boolean) => {
    const parts = {
      store,
      fleet: { live: () => [] },
      healer: { failureOf: () => null },
      activation: { isPutToSleep: () => isPutToSleep },
      edge: { baseDomain: "localhost", httpPort: 80 },
    } as unknown as ViewParts;
    return viewEnvironment(parts, { org, app, environment });
  };
  expect(await view(true)).toMatchObject({ health: "sleeping", instances: { ready: 0, wanted: 0 } });
  expect(await view(false)).toMatchObject({ health: "starting", instances: { ready: 0, wanted: 2 } });
});

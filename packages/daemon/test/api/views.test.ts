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
      activation: { isAtRest: () => false, isShort: () => false, isWaking: () => false },
      edge: { baseDomain: "localhost", httpPort: 80 },
    } as unknown as ViewParts;
    return viewEnvironment(parts, { org, app, environment });
  };
  const ready = { state: "ready", last_exit: null, last_probe: null };
  expect(await viewWith(ready, ready)).toMatchObject({ health: "running", trouble: null });
  const lacking = { health: "degraded", trouble: "the volume cannot be made" };
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

test.each([
  ["a function", completeConfig({ web: { start: "" }, function: { minReplicas: 2, maxReplicas: 2 } })],
  ["an app", completeConfig({ web: { start: "./app" }, replicas: 2 })],
])("%s that was put to sleep sleeps, however many it keeps running otherwise", async (_what, config) => {
  const store = await openStore({ url: "sqlite::memory:" });
  onTestFinished(() => store.close());
  const { org, app, environment, build } = await createSample(store);
  const code = { artifact: "a", tree: "t", config, createdBy: "ada" };
  const version = await store.versions.create({ appId: app.id, buildId: build.id, ...code });
  const inside = { environmentId: environment.id, versionId: version.id, variables: "" };
  await store.environments.update(environment.id, {
    liveReleaseId: (await store.releases.create(inside)).id,
  });
  const view = async (activation: { isAtRest: boolean; isWaking: boolean }) => {
    const parts = {
      store,
      fleet: { live: () => [] },
      healer: { failureOf: () => null },
      activation: {
        isAtRest: () => activation.isAtRest,
        isShort: () => false,
        isWaking: () => activation.isWaking,
      },
      edge: { baseDomain: "localhost", httpPort: 80 },
    } as unknown as ViewParts;
    return viewEnvironment(parts, { org, app, environment });
  };
  const wanting = (health: string, wanted: number) => ({ health, instances: { ready: 0, wanted } });
  expect(await view({ isAtRest: true, isWaking: false })).toMatchObject(wanting("sleeping", 0));
  expect(await view({ isAtRest: false, isWaking: true })).toMatchObject(wanting("starting", 2));
  expect(await view({ isAtRest: false, isWaking: false })).toMatchObject(wanting("starting", 2));
});

test("an app that may sleep is starting as soon as somebody has asked, and then has all its replicas", async () => {
  const store = await openStore({ url: "sqlite::memory:" });
  onTestFinished(() => store.close());
  const { org, app, environment, build } = await createSample(store);
  const sleep = { minReplicas: 0, idleSeconds: 60 };
  const config = completeConfig({ web: { start: "./app" }, replicas: 2, sleep });
  const code = { artifact: "a", tree: "t", config, createdBy: "ada" };
  const version = await store.versions.create({ appId: app.id, buildId: build.id, ...code });
  const inside = { environmentId: environment.id, versionId: version.id, variables: "" };
  await store.environments.update(environment.id, {
    liveReleaseId: (await store.releases.create(inside)).id,
  });
  const view = async (ready: number, isWaking: boolean, failure: string | null = null) => {
    const parts = {
      store,
      fleet: { live: () => Array.from({ length: ready }, () => ({ status: { state: "ready" } })) },
      healer: { failureOf: () => failure },
      activation: {
        isAtRest: () => ready === 0 && !isWaking,
        isShort: () => failure !== null,
        isWaking: () => isWaking,
      },
      edge: { baseDomain: "localhost", httpPort: 80 },
    } as unknown as ViewParts;
    const { health, instances, replicas } = await viewEnvironment(parts, { org, app, environment });
    return [health, instances.ready, instances.wanted, replicas["web"]];
  };
  expect(await view(0, false)).toEqual(["sleeping", 0, 0, 2]);
  expect(await view(0, true)).toEqual(["starting", 0, 2, 2]);
  expect(await view(1, false)).toEqual(["starting", 1, 2, 2]);
  expect(await view(2, false)).toEqual(["running", 2, 2, 2]);
  const short = "no further replica could be started: exit code 3";
  expect(await view(1, false, short)).toEqual(["degraded", 1, 2, 2]);
});

import { expect, onTestFinished, test } from "vitest";
import { createServedList } from "../../src/deploy/served.js";
import { openStore } from "../../src/store/index.js";
import { createSample, sampleConfig } from "../store/samples.js";

test("lists what is live, and reads of that only what was not live before", async () => {
  const store = await openStore({ url: "sqlite::memory:" });
  onTestFinished(() => store.close());
  const asked: string[] = [];
  const versions = { ...store.versions };
  versions.getAll = (ids) => (asked.push(...ids), store.versions.getAll(ids));
  const list = createServedList({ ...store, versions }, (digest) => `/artifacts/${digest}`);
  expect(await list()).toEqual([]);

  const { app, build, environment, release, version } = await createSample(store);
  await store.environments.update(environment.id, { liveReleaseId: release.id });
  const [first] = await list();
  expect(first).toMatchObject({
    id: environment.id,
    org: "local",
    app: "shop",
    artifactDir: "/artifacts/a1",
  });
  expect(first).toMatchObject({ config: sampleConfig, replicas: 2, desired: "running" });
  const [again] = await list();
  expect(again?.config).toBe(first?.config);

  const origin = { artifact: "a2", tree: "t2", config: sampleConfig, createdBy: "ada" };
  const next = await store.versions.create({ appId: app.id, buildId: build.id, ...origin });
  const inside = { environmentId: environment.id, variables: "sealed" };
  const newer = await store.releases.create({ ...inside, versionId: next.id });
  await store.environments.update(environment.id, { liveReleaseId: newer.id });
  expect(await list()).toMatchObject([{ artifactDir: "/artifacts/a2" }]);
  await store.environments.update(environment.id, { liveReleaseId: null });
  expect(await list()).toEqual([]);
  expect(asked).toEqual([version.id, next.id]);
});

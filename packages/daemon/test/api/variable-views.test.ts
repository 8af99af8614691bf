import { expect, onTestFinished, test } from "vitest";
import { listVariableViews } from "../../src/api/variable-views.js";
import { openStore } from "../../src/store/index.js";
import { createSample } from "../store/samples.js";

test("a manifest's variable holds only where the owner's does not replace it", async () => {
  const store = await openStore({ url: "sqlite::memory:" });
  onTestFinished(() => store.close());
  const sample = await createSample(store);
  await store.environments.update(sample.environment.id, { liveReleaseId: sample.release.id });
  const place = { org: sample.org, app: sample.app, environment: sample.environment };
  const ofManifest = async (): Promise<unknown[]> =>
    (await listVariableViews(store, { open: (text) => text }, place))
      .filter(({ level, name }) => level === "manifest" && name === "RUST_LOG")
      .map(({ visibleBuild, visibleRuntime, overridden }) =>
        overridden ? "overridden" : [visibleBuild, visibleRuntime],
      );
  expect(await ofManifest()).toEqual([[true, true]]);
  const row = {
    appId: sample.app.id,
    environmentId: null,
    name: "RUST_LOG",
    value: "debug",
    sensitive: false,
  };
  await store.variables.set({ ...row, visibleBuild: false, visibleRuntime: true });
  expect(await ofManifest()).toEqual([[true, false]]);
  await store.variables.set({ ...row, visibleBuild: true, visibleRuntime: true });
  expect(await ofManifest()).toEqual(["overridden"]);
});

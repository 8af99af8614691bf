import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { listVariableViews } from "../../src/api/variable-views.js";
import { obtainRelease, readVariables } from "../../src/deploy/releases.js";
import { openSecrets } from "../../src/release/secrets.js";
import { openStore } from "../../src/store/index.js";
import { createSample } from "../store/samples.js";

test("after the loss of secrets.key each variable is named, and a new release follows when all are set", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bloom-releases-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const store = await openStore({ url: "sqlite::memory:" });
  onTestFinished(() => store.close());
  const sample = await createSample(store);
  const old = await openSecrets(join(folder, "old"));
  const secrets = await openSecrets(join(folder, "new"));
  const level = { appId: sample.app.id, environmentId: sample.environment.id, sensitive: false };
  await store.variables.remove({ ...level, name: "KEY" });
  await store.variables.set({ ...level, name: "LOG", value: old.seal("debug") });
  const live = await store.releases.create({
    environmentId: sample.environment.id,
    versionId: sample.version.id,
    variables: old.seal("{}"),
  });
  await store.environments.update(sample.environment.id, { liveReleaseId: live.id });
  const place = { org: sample.org, app: sample.app, environment: sample.environment };

  await expect(readVariables({ store, secrets }, place, "visibleRuntime")).rejects.toMatchObject({
    code: "ERR_SECRETS_LOST",
    message: expect.stringContaining("LOG (environment)"),
    hint: expect.stringContaining("bloom secret set APP LOG --level environment"),
  });
  expect(await listVariableViews(store, secrets, place)).toContainEqual(
    expect.objectContaining({ name: "LOG", value: null }),
  );

  await store.variables.set({ ...level, name: "LOG", value: secrets.seal("info") });
  const variables = await readVariables({ store, secrets }, place, "visibleRuntime");
  const { release, isLive } = await obtainRelease({ store, secrets }, place, sample.version, variables);
  expect([isLive, release.number]).toEqual([false, live.number + 1]);
});

import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openArtifactStore } from "../../src/build/artifact-store.js";
import { openBuildStage } from "../../src/deploy/build-port.js";
import { applyHome, planHome } from "../../src/home.js";
import { planCgroupLayout } from "../../src/run/plan-cgroups.js";
import { resolveSettings } from "../../src/settings.js";
import { openStore } from "../../src/store/index.js";
import { createSample, sampleConfig } from "../store/samples.js";

it("collects the garbage of builds, but what is live and what one may go back to", async () => {
  const root = await mkdtemp(join(tmpdir(), "bloomery-port-"));
  onTestFinished(() => rm(root, { recursive: true }));
  const paths = planHome(root);
  await applyHome(paths);
  const store = await openStore({ url: `sqlite:${join(root, "bloom.db")}` });
  onTestFinished(() => store.close());

  const work = join(root, "work");
  await mkdir(work);
  const artifacts = await openArtifactStore(paths.artifacts);
  const collect = async (text: string): Promise<string> => {
    await writeFile(join(work, "app"), text);
    const { digest } = await artifacts.collect(work);
    // As if it had been made long ago.
    await utimes(join(paths.artifacts, `${digest}.files`), 1, 1);
    return digest;
  };
  const [live, old, recent, orphan] = [
    await collect("live"),
    await collect("old"),
    await collect("recent"),
    await collect("orphan"),
  ];
  const { app, build, environment } = await createSample(store);
  const origin = { appId: app.id, buildId: build.id, tree: "t1", config: sampleConfig, createdBy: "ada" };
  const served = await store.versions.create({ ...origin, artifact: live });
  const release = await store.releases.create({
    environmentId: environment.id,
    versionId: served.id,
    variables: "sealed",
  });
  await store.environments.update(environment.id, { liveReleaseId: release.id });
  await store.versions.create({ ...origin, artifact: old });
  // More than one page of them.
  for (let count = 0; count < 105; count++) await store.versions.create({ ...origin, artifact: recent });

  const stage = await openBuildStage({
    settings: resolveSettings({ home: root }, {}, { isRoot: false, shimPath: "/nonexistent" }),
    paths,
    host: {
      isRoot: false,
      bwrap: "/usr/bin/bwrap",
      nginx: "/usr/sbin/nginx",
      cgroups: planCgroupLayout({ selfCgroup: "", mountinfo: "", isRoot: false, group: "none" }),
      warnings: [],
    },
    store,
    network: null,
    log: { warn: () => undefined },
  });
  onTestFinished(() => stage.close());
  expect(await stage.collectGarbage()).toEqual({ artifacts: 2, templates: 0, layers: 0, caches: 0 });
  expect(await artifacts.list()).toEqual([live, recent].toSorted());
  expect((await readdir(paths.artifacts)).filter((name) => name.startsWith(orphan))).toEqual([]);
  await expect(stage.assertArtifact(old)).rejects.toMatchObject({ code: "ERR_ARTIFACT_DAMAGED" });
  await stage.assertArtifact(live);
});

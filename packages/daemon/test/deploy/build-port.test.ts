import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openArtifactStore } from "../../src/build/artifact-store.js";
import { openBuildStage, type BuildStage } from "../../src/deploy/build-port.js";
import type { Walk } from "../../src/deploy/walk.js";
import { applyHome, planHome, type HomePaths } from "../../src/home.js";
import { planCgroupLayout } from "../../src/run/plan-cgroups.js";
import { resolveSettings } from "../../src/settings.js";
import { openStore, type Store } from "../../src/store/index.js";
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
  const [live, old, recent, orphan, drafted] = [
    await collect("live"),
    await collect("old"),
    await collect("recent"),
    await collect("orphan"),
    await collect("drafted"),
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

  const stage = await openStage(root, paths, store);
  const code = await stage.sources.receiveCode(Buffer.from("// code"), "shop");
  const wishes = { runtime: null, dependencies: [], inputSchema: null, outputSchema: null };
  const draft = await store.drafts.save(app.id, { ...code, wishes });
  await store.drafts.beginCompile(draft, build.id);
  const facts = { codeHash: code.tree, sdk: "0.1.0", toolchain: "1.93.0", added: [] };
  const end = { ok: true, artifact: drafted, config: sampleConfig, facts } as const;
  await store.drafts.endCompile(app.id, build.id, end);
  // As if it had been saved long ago; nobody wants the other one any more.
  const unwanted = await stage.sources.receiveCode(Buffer.from("// other"), "shop");
  for (const { tree } of [code, unwanted]) await utimes(join(paths.sources, "trees", tree), 1, 1);
  expect(await stage.collectGarbage()).toEqual({ artifacts: 2, templates: 0, layers: 0, caches: 0 });
  expect(await artifacts.list()).toEqual([live, recent, drafted].toSorted());
  expect((await stage.openTree(code.tree)).read("src/lib.rs")).toBe("// code");
  await expect(stage.openTree(unwanted.tree)).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
  expect((await readdir(paths.artifacts)).filter((name) => name.startsWith(orphan))).toEqual([]);
  await expect(stage.assertArtifact(old)).rejects.toMatchObject({ code: "ERR_ARTIFACT_DAMAGED" });
  await stage.assertArtifact(live);
});

it("tells a deployment its build before the build can fail", async () => {
  const root = await mkdtemp(join(tmpdir(), "bloomery-port-"));
  onTestFinished(() => rm(root, { recursive: true }));
  const paths = planHome(root);
  await applyHome(paths);
  const store = await openStore({ url: `sqlite:${join(root, "bloom.db")}` });
  onTestFinished(() => store.close());
  const { org, app, environment } = await createSample(store);
  const row = await store.deployments.create({
    environmentId: environment.id,
    kind: "deploy",
    createdBy: "ada",
  });
  const stage = await openStage(root, paths, store);
  const order = { tree: "0".repeat(64), config: sampleConfig, variables: {}, actor: "ada" };
  const walk: Walk = {
    deployment: row.id,
    signal: new AbortController().signal,
    emit: () => undefined,
    enter: async () => undefined,
    allowCancel: () => undefined,
    blame: () => undefined,
    timings: { uploadMs: 0, buildMs: 0, startMs: 0, switchMs: 0, totalMs: 0 },
  };
  await expect(stage.port.build({ ...order, place: { org, app, environment } }, walk)).rejects.toThrow();
  const [build] = await store.builds.list({ appId: app.id, limit: 1 });
  expect(build?.state).toBe("failed");
  expect(await store.deployments.get(row.id)).toMatchObject({ buildId: build?.id });
});

it("builds for no deployment, into a record that is there already", async () => {
  const root = await mkdtemp(join(tmpdir(), "bloomery-port-"));
  onTestFinished(() => rm(root, { recursive: true }));
  const paths = planHome(root);
  await applyHome(paths);
  const store = await openStore({ url: `sqlite:${join(root, "bloom.db")}` });
  onTestFinished(() => store.close());
  const { org, app, environment } = await createSample(store);
  const stage = await openStage(root, paths, store);
  const tree = "0".repeat(64);
  const record = await store.builds.create({ appId: app.id, key: "", tree });
  const order = { tree, config: sampleConfig, variables: {}, actor: "ada", record: record.id };
  const walk = { deployment: null, signal: new AbortController().signal, emit: () => undefined };
  await expect(stage.port.build({ ...order, place: { org, app, environment } }, walk)).rejects.toThrow();
  expect(await store.builds.get(record.id)).toMatchObject({ state: "failed" });
  const [newest] = await store.builds.list({ appId: app.id, limit: 1 });
  expect(newest?.id).toBe(record.id);
});

/** A build stage of an ordinary user, without a network of its own. */
async function openStage(root: string, paths: HomePaths, store: Store): Promise<BuildStage> {
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
    log: { warn: () => undefined, info: () => undefined },
  });
  onTestFinished(() => stage.close());
  return stage;
}

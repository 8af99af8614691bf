import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { toBloomError, type CgroupSpec, type SourceEntry } from "@bloomery/contract";
import { openArtifactStore } from "../build/artifact-store.js";
import { createBuildQueue } from "../build/build-queue.js";
import {
  createBuilder,
  type Builder,
  type BuilderDeps,
  type BuildResult as Built,
} from "../build/builder.js";
import { receiveCode } from "../build/function/receive-code.js";
import { collectGarbage, type GarbageReport } from "../build/garbage/collect-garbage.js";
import type { VersionFacts } from "../build/garbage/plan-garbage.js";
import { planToolchainPlaces } from "../build/list-toolchains.js";
import { makeAhead } from "../build/function/make-ahead.js";
import { openSdk, type Sdk } from "../build/function/sdk.js";
import { openHost } from "../build/prefork/host.js";
import { preforkSdk as preforkSdkKind } from "../build/prefork/sdk.js";
import { createToolchainResolver } from "../build/resolve-toolchain.js";
import { openSourceStore } from "../build/source-store.js";
import { openTemplates } from "../build/templates/open-templates.js";
import { packTree } from "../build/pack-tree.js";
import type { ProjectFiles } from "../config/index.js";
import type { HomePaths } from "../home.js";
import type { HostNetwork } from "../run/network/open-network.js";
import { planCgroups } from "../run/plan-cgroups.js";
import type { HostFacts } from "../run/probe-host.js";
import type { Settings } from "../settings.js";
import type { Store } from "../store/open-store.js";
import { startAhead, type Ahead } from "./function/compile-ahead.js";
import type { BuildPort, BuildWalk } from "./obtain-version.js";
import { enterPhase } from "./walk.js";

export interface BuildStage {
  readonly port: BuildPort;
  readonly sources: {
    planUpload(
      entries: readonly SourceEntry[],
    ): Promise<{ readonly tree: string; readonly missing: readonly string[] }>;
    receiveBlobs(tree: string, tar: Readable): Promise<{ readonly received: number }>;
    receiveArchive(tar: Readable): Promise<{ readonly tree: string }>;
    assertComplete(tree: string): Promise<void>;
    /** A function's code as it was sent; `app` names the crate of a single file. */
    receiveCode(bytes: Buffer, app: string): Promise<{ readonly tree: string }>;
    /** A tar.gz of a whole tree. Throws ERR_NOT_FOUND. */
    pack(tree: string): Promise<Buffer>;
  };
  openTree(tree: string): Promise<ProjectFiles>;
  artifactDir(digest: string): string;
  /** Throws ERR_ARTIFACT_DAMAGED for an artifact that is not as it was collected, going by sizes and times. */
  assertArtifact(digest: string): Promise<void>;
  logFile(build: string): string;
  forgetApp(appId: string): Promise<void>;
  /** Removes artifacts, sources, templates and caches that nobody needs; for once a day. */
  collectGarbage(): Promise<GarbageReport>;
  /** Begins to compile what functions share, behind everything else; once. */
  startAhead(): void;
  /** Cancels what is queued or running. */
  close(): Promise<void>;
}

interface Job {
  readonly id: string;
  readonly appId: string;
  readonly order: Parameters<BuildPort["build"]>[0];
  readonly walk: BuildWalk;
}

/** A tenth of what running apps have: they come first whenever the processor is short. */
const buildWeight = 10;
/** What nobody waits for comes after everything. */
const leastWeight = 1;
/** No build's record has such an id. */
const aheadId = "bld-ahead";

/** Opens the build stage: sources, artifacts, toolchains, one queue for all apps, each build with its record. */
export async function openBuildStage(parts: {
  readonly settings: Settings;
  readonly paths: HomePaths;
  readonly host: HostFacts;
  readonly store: Store;
  readonly network: HostNetwork | null;
  readonly log: { warn(fields: object, text: string): void; info(fields: object, text: string): void };
}): Promise<BuildStage> {
  const { settings, paths, host, store, network } = parts;
  const sourceStore = await openSourceStore(paths.sources);
  const artifactStore = await openArtifactStore(paths.artifacts);
  const logFile = (build: string): string => join(paths.logs, "builds", `${build}.log`);
  await mkdir(join(paths.logs, "builds"), { recursive: true });

  const groupsOf = (id: string, weight: number): readonly CgroupSpec[] =>
    planCgroups(host.cgroups, id, { memoryBytes: settings.build.memoryBytes, cpu: null, pids: 1024, weight });

  const depsOf = (appId: string | null): BuilderDeps => ({
    home: paths.root,
    shimPath: settings.shimPath,
    sourceStore,
    artifactStore,
    toolchains,
    templates,
    sdk,
    preforkSdk,
    // Looked at each time: it may have been replaced by a newer one.
    preforkHost: () => openHost(settings.preforkPath),
    isRoot: host.isRoot,
    uidBase: settings.uidBase,
    async findReusable(key) {
      const build = appId === null ? undefined : await store.builds.getSucceeded(appId, key);
      return build?.artifact === undefined || build.artifact === null
        ? null
        : { digest: build.artifact, size: 0, files: 0 };
    },
    allocateNetwork: async () => (network === null ? null : network.allocateBuild()),
    cgroupsFor: (id) => groupsOf(id, appId === null ? leastWeight : buildWeight),
    settings: { timeLimitSeconds: settings.build.timeLimitSeconds, bwrap: host.bwrap },
  });
  const builder = (appId: string): Builder => createBuilder(depsOf(appId));
  const templates = openTemplates(join(paths.root, "build-cache"));
  const toolchains = createToolchainResolver({ places: planToolchainPlaces(process.env), env: process.env });

  const sdk = openOnce(() => openSdk(settings.sdkPath, paths.sdk));
  const preforkSdk = openOnce(() => openSdk(settings.sdkPath, paths.preforkSdk, preforkSdkKind));

  const work = async ({ id, appId, order, walk }: Job, signal: AbortSignal): Promise<Built> => {
    await store.builds.update(id, { state: "running" });
    return builder(appId).build({
      id,
      appId,
      orgId: order.place.app.orgId,
      appSlot: order.place.app.slot,
      tree: order.tree,
      config: order.config,
      variables: order.variables,
      logFile: logFile(id),
      signal,
      onEvent: (event) =>
        event.type === "phase" ? enterPhase(walk, event.phase, event.detail) : walk.emit(event),
    });
  };
  const queue = createBuildQueue<Job, Built>({ work, parallel: settings.build.parallel });

  let ahead: Ahead | null = null;

  const port: BuildPort = {
    async build(order, walk) {
      const appId = order.place.app.id;
      const id = order.record ?? (await store.builds.create({ appId, key: "", tree: order.tree })).id;
      // Before it can fail: its log is what one then looks for.
      if (walk.deployment !== null) await store.deployments.update(walk.deployment, { buildId: id });
      try {
        const built = await queue.submit({ id, appId, order, walk }, walk.signal);
        const { key, toolchain, stats } = built;
        // A reused artifact keeps pointing to the build that made it.
        const made = built.reused ? await store.builds.getSucceeded(appId, key) : undefined;
        await store.builds.update(id, {
          state: "succeeded",
          key,
          artifact: built.artifact.digest,
          toolchain,
          stats,
        });
        return {
          buildId: made?.id ?? id,
          artifact: built.artifact.digest,
          toolchain,
          stats,
          reused: built.reused,
          facts: built.facts,
        };
      } catch (error) {
        const failure = toBloomError(error);
        const cancelled = failure.code === "ERR_BUILD_CANCELLED" || walk.signal.aborted;
        await store.builds.update(id, {
          state: cancelled ? "cancelled" : "failed",
          error: failure.toDocument(),
        });
        if (walk.signal.aborted) throw walk.signal.reason as Error;
        throw error;
      }
    },
  };

  return {
    port,
    sources: {
      planUpload: (entries) => sourceStore.planUpload(entries),
      receiveBlobs: (tree, tar) => sourceStore.receiveBlobs(tree, tar),
      receiveArchive: (tar) => sourceStore.receiveArchive(tar),
      assertComplete: (tree) => sourceStore.assertComplete(tree),
      receiveCode: (bytes, app) => receiveCode(sourceStore, { kind: "bytes", bytes }, { app }),
      pack: async (tree) => packTree(await sourceStore.openTree(tree)),
    },
    openTree: (tree) => sourceStore.openTree(tree),
    artifactDir: (digest) => artifactStore.pathOf(digest),
    assertArtifact: (digest) => artifactStore.check(digest),
    logFile,
    forgetApp: (appId) => builder(appId).forget(appId),
    collectGarbage: async () =>
      collectGarbage({
        buildCache: join(paths.root, "build-cache"),
        sources: sourceStore,
        artifacts: artifactStore,
        templates: templates.store,
        versions: await listVersions(store),
      }),
    startAhead() {
      ahead ??= startAhead({
        make: (signal) =>
          makeAhead(depsOf(null), {
            ...{ id: aheadId, logFile: logFile("ahead"), signal },
            ordinaryGroups: groupsOf(aheadId, buildWeight),
          }),
        idle: () => queue.idle(),
        log: parts.log,
      });
    },
    async close() {
      await Promise.all([ahead?.close(), queue.close()]);
    },
  };
}

function openOnce(open: () => Promise<Sdk>): () => Promise<Sdk> {
  let opened: Promise<Sdk> | null = null;
  return () => {
    opened ??= open();
    // Whoever asks next finds what has been put right meanwhile.
    opened.catch(() => (opened = null));
    return opened;
  };
}

/**
 * All versions there are; live are those that an environment serves, or will serve when it is started again. A draft
 * is as much wanted.
 */
async function listVersions(store: Store): Promise<VersionFacts[]> {
  const live = new Set<string>();
  for (const { liveReleaseId } of await store.environments.list()) {
    const release = liveReleaseId === null ? undefined : await store.releases.get(liveReleaseId);
    if (release !== undefined) live.add(release.versionId);
  }
  const facts: VersionFacts[] = [];
  for (const { appId, tree, artifact } of await store.drafts.list())
    facts.push({ appId, number: 0, artifact: artifact ?? "", tree, isLive: true });
  for (const { id: appId } of await store.apps.list()) {
    for (let before: number | undefined; ;) {
      const page = await store.versions.list({ appId, ...(before === undefined ? {} : { before }) });
      for (const { id, number, artifact, tree } of page)
        facts.push({ appId, number, artifact, tree, isLive: live.has(id) });
      before = page.at(-1)?.number;
      if (before === undefined) break;
    }
  }
  return facts;
}

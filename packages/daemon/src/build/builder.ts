import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  BloomError,
  toBloomError,
  type AppConfig,
  type BuildStats,
  type CgroupSpec,
} from "@bloomery/contract";
import type { FunctionFacts } from "../store/versions.js";
import type { Artifact, ArtifactStore } from "./artifact-store.js";
import { planBuildFolders } from "./build-folders.js";
import { buildKey } from "./build-key.js";
import { planBuildUser } from "./build-user.js";
import { endProcessTree } from "./end-process-tree.js";
import { explainFailure } from "./explain-failure.js";
import { laySource } from "./lay-source.js";
import {
  compileIn,
  createNetwork,
  defaultTmpBytes,
  openRun,
  type Compiled,
  type CompileJob,
} from "./compile.js";
import { openCode } from "./open-code.js";
import { planProgram } from "./function/plan-program.js";
import type { Sdk } from "./function/sdk.js";
import { planPlaces } from "./prefork/compile-prefork.js";
import { checkLibraries } from "./prefork/check-libraries.js";
import type { PreforkHost } from "./prefork/host.js";
import { planFetch, type FetchPlan } from "./plan-fetch.js";
import { dropNewerLockfile } from "./drop-lockfile.js";
import { prepareEtc, prepareFetch, prepareFolders } from "./prepare-build.js";
import { removeTree } from "./remove-tree.js";
import type { ToolchainResolver } from "./resolve-toolchain.js";
import type { SourceStore } from "./source-store.js";
import { nameBuildSource } from "./source-tree.js";
import type { Templates } from "./templates/open-templates.js";

export type BuiltArtifact = Pick<Artifact, "digest" | "size" | "files">;

/** A network namespace that a build may use until it is released. */
export interface BuildNetwork {
  /** Path of the namespace, such as /run/netns/bl-b3. */
  readonly netns: string;
  release(): Promise<void>;
}

export interface BuilderDeps {
  /** The daemon's home; builds live in `build-cache/` below it. */
  readonly home: string;
  readonly shimPath: string;
  readonly sourceStore: SourceStore;
  readonly artifactStore: ArtifactStore;
  readonly toolchains: ToolchainResolver;
  /** Compiled dependencies that apps share; the same object for all builders of a home. */
  readonly templates: Templates;
  /** The crates that functions are built with. Throws ERR_TOOLCHAIN_MISSING where there are none. */
  readonly sdk: () => Promise<Sdk>;
  /** The same of prefork apps, and the program that serves them. */
  readonly preforkSdk: () => Promise<Sdk>;
  readonly preforkHost: () => Promise<PreforkHost>;
  readonly isRoot: boolean;
  readonly uidBase: number;
  /** An artifact that an earlier build made under this key. */
  readonly findReusable: (key: string) => Promise<BuiltArtifact | null>;
  /** A namespace with a way out and nothing of the platform in reach; null: the host's network. */
  readonly allocateNetwork: (buildId: string) => Promise<BuildNetwork | null>;
  /** Control groups of one build, as the shim makes them. */
  readonly cgroupsFor: (buildId: string) => readonly CgroupSpec[];
  readonly settings: {
    readonly timeLimitSeconds: number;
    /** Bytes of /tmp in the sandbox; default 1 GiB. */
    readonly tmpBytes?: number;
    /** Default /usr/bin/bwrap. */
    readonly bwrap?: string;
  };
}

/** What happens in a build, in the shape of a deployment's events. */
export type BuildEvent =
  | { readonly type: "phase"; readonly phase: "fetch" | "compile" | "collect"; readonly detail?: string }
  | {
      readonly type: "progress";
      readonly phase: "fetch" | "compile";
      readonly done: number;
      readonly total: number;
      readonly current?: string;
    }
  | { readonly type: "log"; readonly source: "build" | "platform"; readonly text: string }
  | { readonly type: "warning"; readonly message: string };

export interface BuildRequest {
  /** The build's id. */
  readonly id: string;
  readonly appId: string;
  /** Whose apps may share caches; without it none are shared. */
  readonly orgId?: string;
  /** Decides the uid of the app's builds. */
  readonly appSlot: number;
  readonly tree: string;
  readonly config: AppConfig;
  /** Variables that builds may see, besides those of the manifest. */
  readonly variables: Readonly<Record<string, string>>;
  /** Written anew; its folder exists. */
  readonly logFile: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: BuildEvent) => void;
}

export interface BuildResult {
  readonly artifact: BuiltArtifact;
  readonly key: string;
  /** Version of rustc. */
  readonly toolchain: string;
  readonly stats: BuildStats;
  /** True: an earlier artifact was used, nothing was built. */
  readonly reused: boolean;
  /** Null for every shape but functions. */
  readonly facts: FunctionFacts | null;
  readonly warnings: readonly string[];
}

export interface Builder {
  /**
   * Turns a source tree into an artifact. Throws ERR_SOURCE_INCOMPLETE, ERR_TOOLCHAIN_MISSING,
   * ERR_SANDBOX_UNAVAILABLE, ERR_BUILD_FAILED, ERR_BUILD_TIMEOUT, ERR_BUILD_CANCELLED or
   * ERR_BUILD_OUTPUT_UNSAFE. At most one build of an app at a time: the queue sees to it.
   */
  build(request: BuildRequest): Promise<BuildResult>;
  /** Removes everything kept for an app's next build. */
  forget(appId: string): Promise<void>;
}

const noStats: BuildStats = Object.freeze({ units: null, fresh: 0, compiled: 0, rebuilt: [] });

export function createBuilder(deps: BuilderDeps): Builder {
  return {
    async build(request) {
      try {
        return await build(deps, request);
      } catch (error) {
        const { tmpBytes = defaultTmpBytes } = deps.settings;
        const space = { folder: foldersOf(deps, request.appId).root, tmpBytes };
        if (!request.signal.aborted) throw await explainFailure(error, space);
        throw new BloomError("ERR_BUILD_CANCELLED", "the build was cancelled", { cause: error });
      }
    },
    async forget(appId) {
      await removeTree(foldersOf(deps, appId).root);
    },
  };
}

async function build(deps: BuilderDeps, order: BuildRequest): Promise<BuildResult> {
  const { signal } = order;
  const warnings: string[] = [];
  const warn = (messages: readonly string[]): void => {
    for (const message of messages) order.onEvent({ type: "warning", message });
    warnings.push(...messages);
  };

  await deps.sourceStore.assertComplete(order.tree);
  const chosen = await deps.toolchains.resolve(order.config.toolchain, signal);
  warn(chosen.warnings);
  const { tree, config, own, prefork } = await openCode(deps, order, chosen.toolchain.version);
  const request = { ...order, config, variables: own?.variables ?? order.variables };
  const key = buildKey({
    tree: nameBuildSource(tree),
    config,
    toolchain: chosen.toolchain.version,
    variables: { ...config.variables, ...request.variables },
  });
  const outcome = { key, toolchain: chosen.toolchain.version, facts: own?.facts ?? null, warnings };
  const earlier = await deps.findReusable(key);
  if (earlier !== null && (await isSound(deps.artifactStore, earlier.digest, warn))) {
    return { ...outcome, artifact: earlier, stats: noStats, reused: true };
  }

  signal.throwIfAborted();
  const { stats, targetLayer, served } = await compile(
    deps,
    request,
    { tree, own, prefork },
    chosen.toolchain,
    warn,
  );
  warn(served?.warnings ?? []);
  signal.throwIfAborted();
  request.onEvent({ type: "phase", phase: "collect" });
  const artifact = await deps.artifactStore.collect(foldersOf(deps, request.appId).app, {
    targetLayer,
    mountPoints: Object.keys(config.mounts),
    program: own === null ? null : planProgram(own),
    libraries:
      prefork === null || served === null
        ? null
        : {
            places: planPlaces(prefork, config, served.libraries),
            leaveOut: config.build.hook === null ? "target" : null,
          },
  });
  if (prefork !== null && served !== null) {
    await checkLibraries(deps.artifactStore.pathOf(artifact.digest), served.libraries, {
      compiler: prefork.host.compiler,
      allowMismatch: served.allowMismatch,
    });
  }
  warn(artifact.warnings);
  const { digest, size, files } = artifact;
  return { ...outcome, artifact: { digest, size, files }, stats, reused: false };
}

/** False for an artifact that was removed or has changed on disk: it is built again. */
async function isSound(
  store: ArtifactStore,
  digest: string,
  warn: (messages: readonly string[]) => void,
): Promise<boolean> {
  if (!(await store.has(digest))) return false;
  try {
    await store.check(digest);
    return true;
  } catch (error) {
    if (!(error instanceof BloomError)) throw error;
    warn([`${error.message}; it is built anew`]);
    return false;
  }
}

/** Lays the source, plans the steps and runs them. */
async function compile(
  deps: BuilderDeps,
  request: BuildRequest,
  { tree, own, prefork }: Pick<CompileJob, "tree" | "own" | "prefork">,
  toolchain: CompileJob["toolchain"],
  warn: (messages: readonly string[]) => void,
): Promise<Compiled> {
  const folders = foldersOf(deps, request.appId);
  const user = deps.isRoot ? planBuildUser(deps.uidBase, request.appSlot) : null;
  const planned = planFetch(tree);
  // One that cargo has to complete is like one that an earlier build generated.
  const fetch = (own ?? prefork)?.isLockComplete === false ? { ...planned, hasLockfile: false } : planned;
  // A daemon that was killed may have left one behind for a moment.
  if (user !== null) await endProcessTree({ pid: null, groups: [], uid: user.uid });
  await prepareFolders(folders, user);
  await prepareEtc(folders, user);
  await laySource({ tree, workDir: folders.app, recordFile: folders.laid, user });
  if (!fetch.hasLockfile) await dropNewerLockfile(folders, toolchain.version);
  const needsFetch = await mustFetch(request, fetch, folders.fetched);
  if (needsFetch) await prepareFetch(folders, tree, fetch, user);
  request.signal.throwIfAborted();

  const network = createNetwork(deps, request.id, warn);
  const run = openRun(deps, request);
  const job = {
    deps,
    request,
    folders,
    user,
    tree,
    own,
    prefork,
    fetch,
    needsFetch,
    toolchain,
    network,
    run,
  };
  for (const note of own?.notes ?? []) run.note(note);
  for (const note of prefork?.notes ?? []) run.tell(note);
  try {
    const compiled = await compileIn(job);
    await run.close();
    return compiled;
  } catch (error) {
    await run.close(error instanceof Error ? error : toBloomError(error));
    // Should the cause be a dependency that is gone after all, the next build fetches again.
    await rm(folders.fetched, { force: true });
    throw error;
  } finally {
    await network.release();
  }
}

/** Dependencies that the last build fetched, for the same manifests, are still there. */
async function mustFetch(request: BuildRequest, plan: FetchPlan, fetchedFile: string): Promise<boolean> {
  if (request.config.build.hook !== null || !plan.needsFetch) return false;
  const fetched = await readFile(fetchedFile, "utf8").catch(() => "");
  return fetched !== plan.key;
}

function foldersOf(deps: BuilderDeps, appId: string): ReturnType<typeof planBuildFolders> {
  // Ids are made by this daemon; the check keeps a mistake from becoming a path.
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(appId))
    throw new BloomError("ERR_INVALID_ARGUMENT", "malformed app id");
  return planBuildFolders(join(deps.home, "build-cache"), appId);
}

import { writeFile } from "node:fs/promises";
import { BloomError, type BuildStats } from "@bloomery/contract";
import { planSharedCaches, type BuildFolders } from "./build-folders.js";
import type { BuildUser } from "./build-user.js";
import { planBuildUser } from "./build-user.js";
import type { BuilderDeps, BuildRequest } from "./builder.js";
import { restoreCaches, saveCaches } from "./caches/apply-caches.js";
import { planCaches, type CachePlan } from "./caches/plan-caches.js";
import {
  needsNetwork,
  planBuild,
  planBuildEnvironment,
  type BuildFacts,
  type BuildStep,
} from "./plan-build.js";
import type { TargetLayer } from "./plan-build-sandbox.js";
import type { FetchPlan } from "./plan-fetch.js";
import { hasCrates } from "./function/share-registry.js";
import { planSdkTemplate } from "./function/plan-sdk-template.js";
import type { FunctionBuild } from "./function/prepare-function.js";
import {
  compileFiles,
  planServed,
  type PreforkJob,
  type ServedLibraries,
} from "./prefork/compile-prefork.js";
import type { PreforkBuild } from "./prefork/prepare-prefork.js";
import { adoptLockfile, prepareMountPoint } from "./prepare-build.js";
import { openBuildRun, type BuildRun } from "./run-build.js";
import type { SourceTree } from "./source-store.js";
import type { TargetPlace } from "./templates/open-templates.js";
import { planTemplate, type TemplatePlan } from "./templates/plan-template.js";

/** One build whose folders are ready. */
export interface CompileJob {
  readonly deps: BuilderDeps;
  readonly request: BuildRequest;
  readonly folders: BuildFolders;
  readonly user: BuildUser | null;
  readonly tree: SourceTree;
  /** What was added to a function's code; null for every other shape. */
  readonly own: FunctionBuild | null;
  /** Null for everything but prefork apps. */
  readonly prefork: PreforkBuild | null;
  readonly fetch: FetchPlan;
  readonly needsFetch: boolean;
  readonly toolchain: { readonly version: string; readonly dir: string | null };
  readonly network: LazyNetwork;
  readonly run: BuildRun;
}

export interface Compiled {
  readonly stats: BuildStats;
  /** Where cargo's target folder is, besides below the work folder. */
  readonly targetLayer: TargetLayer | null;
  /** Of a prefork app. */
  readonly served: ServedLibraries | null;
}

export const defaultTmpBytes = 1024 ** 3;

/** Runs the build's steps with what earlier builds have left: caches, and compiled dependencies. */
export async function compileIn(job: CompileJob): Promise<Compiled> {
  // An ini that is wrong is said before anything takes its time.
  const prefork = planPrefork(job);
  const served = prefork === null ? null : await planServed(prefork);
  const caches = await restore(job);
  const compiled = await compileSteps(job);
  if (prefork !== null && served !== null) await compileFiles(prefork, served);
  try {
    await saveCaches(caches, job.folders.app);
  } catch (error) {
    job.run.note(`The caches could not be kept: ${messageOf(error)}`);
  }
  // rustc is called for the plain folder, also where cargo has had another one for this app before.
  const isOfFiles = job.request.config.prefork?.source.kind === "files";
  return { ...compiled, ...(isOfFiles ? { targetLayer: null } : {}), served };
}

function planPrefork(job: CompileJob): PreforkJob | null {
  const { request, prefork: build, run } = job;
  if (build === null) return null;
  const { config, variables } = request;
  const surroundings = {
    ...surroundingsOf(job, null),
    folders: job.folders,
    user: job.user,
    targetLayer: null,
  };
  const wish = { config, variables, toolchainDir: job.toolchain.dir, tree: job.tree.tree };
  return { build, config, surroundings, env: planBuildEnvironment(wish, false), run };
}

async function restore({
  request,
  tree,
  folders,
  user,
  run,
  deps,
}: CompileJob): Promise<readonly CachePlan[]> {
  const shared = request.orgId === undefined ? null : planSharedCaches(deps.home, request.orgId);
  const plan = planCaches(request.config.build.caches, tree, { own: folders.caches, shared });
  for (const message of plan.warnings) run.note(message);
  try {
    const found = await restoreCaches(plan.caches, folders.app, user);
    if (found.length > 0) run.note(`Found in the cache: ${found.join(", ")}`);
  } catch (error) {
    run.note(`The caches could not be used: ${messageOf(error)}`);
  }
  return plan.caches;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Gets the dependencies from a template if there can be one. */
async function compileSteps(job: CompileJob): Promise<Omit<Compiled, "served">> {
  const place = await prepareTarget(job);
  try {
    return { stats: addUp(await runSteps(job, place.layer), place.made), targetLayer: place.layer };
  } catch (error) {
    const trouble = place.layer === null ? null : findLayerTrouble(error);
    if (trouble === null) throw error;
    job.run.note(
      "The build cannot live with a shared target folder; it is copied and the build begins anew.",
    );
    await job.deps.templates.flatten(job.folders, job.user, trouble === "unmountable");
    return { stats: addUp(await runSteps(job, null), place.made), targetLayer: null };
  }
}

async function prepareTarget(job: CompileJob): Promise<TargetPlace> {
  const { deps, request, folders, user, tree, own, run } = job;
  const variables = { ...request.config.variables, ...request.variables };
  const { cargo } = request.config.build;
  const toolchain = job.toolchain.version;
  const place = await deps.templates.prepare({
    folders,
    plan: planSafely(() =>
      own === null
        ? planOwnTemplate(job, variables)
        : planSdkTemplate(own.sdk, { toolchain, cargo, variables }),
    ),
    isTaken: tree.list().some((path) => path === "target" || path.startsWith("target/")),
    user,
    jobUser: deps.isRoot ? planBuildUser(deps.uidBase, 0) : null,
    run,
    surroundings: async () => surroundingsOf(job, await job.network.get()),
    onWait() {
      const detail = "what all functions share, which the platform has begun with";
      run.note(`This build waits for ${detail}.`);
      request.onEvent({ type: "phase", phase: "compile", detail });
    },
  });
  if (place.layer !== null) await prepareMountPoint(folders, user);
  return place;
}

/** What a project's own lockfile names. */
function planOwnTemplate(
  { tree, request, toolchain, prefork }: CompileJob,
  variables: Readonly<Record<string, string>>,
): TemplatePlan | string {
  if (prefork?.isLockComplete === false) return "the lockfile is not complete";
  const plan = planTemplate(tree, request.config, toolchain.version, variables);
  return typeof plan === "string" || !prefork?.sdk ? plan : { ...plan, sdk: prefork.sdk.mount };
}

/** Whatever an odd project makes of it, its build does not depend on a template. */
function planSafely<T>(plan: () => T): T | string {
  try {
    return plan();
  } catch (error) {
    return messageOf(error);
  }
}

async function runSteps(job: CompileJob, targetLayer: TargetLayer | null): Promise<BuildStats> {
  const { request, user, fetch, run } = job;
  const shared = await findSharedCrates(job);
  const folders = { ...job.folders, ...shared };
  const facts: BuildFacts = {
    hasLockfile: fetch.hasLockfile,
    needsFetch: job.needsFetch && shared === null,
  };
  const netns = needsNetwork(request.config, facts) ? await job.network.get() : null;
  const steps = planBuild({
    ...surroundingsOf(job, netns),
    config: request.config,
    tree: job.tree.tree,
    folders,
    user,
    targetLayer,
    variables: request.variables,
    facts,
  });
  const isFetch = (step: BuildStep): boolean => step.phase === "fetch";
  await run.run(steps.filter(isFetch));
  if (facts.needsFetch) {
    if (!fetch.hasLockfile) await adoptLockfile(folders, user);
    await writeFile(folders.fetched, fetch.key, { mode: 0o600 });
  }
  return run.run(steps.filter((step) => !isFetch(step)));
}

/** An app with nothing but what all have finds its crates where the platform has them. */
async function findSharedCrates({
  deps,
  own,
  prefork,
  tree,
}: CompileJob): Promise<Pick<BuildFolders, "registry" | "git"> | null> {
  const { job } = deps.templates.store.folders;
  const isKnown = own?.isLockComplete === true || (prefork?.sdk !== null && prefork?.isLockComplete === true);
  if (!isKnown || !(await hasCrates(job, tree.read("Cargo.lock") ?? ""))) return null;
  return { registry: job.registry, git: job.git };
}

function surroundingsOf({ deps, request, toolchain, own, prefork }: CompileJob, netns: string | null) {
  return {
    id: request.id,
    bwrap: deps.settings.bwrap ?? "/usr/bin/bwrap",
    toolchainDir: toolchain.dir,
    sdk: (own ?? prefork)?.sdk?.mount ?? null,
    netns,
    cgroups: deps.cgroupsFor(request.id),
    tmpBytes: deps.settings.tmpBytes ?? defaultTmpBytes,
  };
}

/** What the template's job has just compiled is not what an app found ready. */
function addUp(own: BuildStats, made: BuildStats | null): BuildStats {
  return made === null ? own : { ...own, compiled: own.compiled + own.fresh, fresh: 0 };
}

/**
 * A kernel or file system that cannot lay folders over each other, or a hook that does with its target folder what
 * cannot be done with a mount: removing it, or linking out of it.
 */
function findLayerTrouble(error: unknown): "unmountable" | "unsuited" | null {
  if (!(error instanceof BloomError)) return null;
  if (error.code === "ERR_SANDBOX_UNAVAILABLE")
    return error.message.includes("overlay") ? "unmountable" : null;
  const { tail } = (error.details ?? {}) as { tail?: unknown };
  if (error.code !== "ERR_BUILD_FAILED" || !Array.isArray(tail)) return null;
  const words = /Device or resource busy|Invalid cross-device link|\(os error (?:16|18)\)/;
  return tail.some((line) => words.test(String(line))) ? "unsuited" : null;
}

/** Log, clock and events of one build. */
export function openRun(deps: BuilderDeps, request: BuildRequest): BuildRun {
  const { onEvent } = request;
  return openBuildRun({
    shimPath: deps.shimPath,
    logFile: request.logFile,
    timeLimitMs: timeLimitSeconds(deps, request) * 1000,
    signal: request.signal,
    onStep: (step) => onEvent({ type: "phase", phase: step.phase, detail: step.title }),
    onLine: (text) => onEvent({ type: "log", source: "build", text }),
    onTold: (text) => onEvent({ type: "log", source: "platform", text }),
    onProgress: ({ done, total, current }, { phase }) =>
      onEvent({ type: "progress", phase, done, total, ...(current === "" ? {} : { current }) }),
  });
}

/** An app may ask for less than the daemon allows, never for more. */
function timeLimitSeconds({ settings }: BuilderDeps, { config }: BuildRequest): number {
  return Math.min(settings.timeLimitSeconds, config.build.timeoutSeconds ?? Infinity);
}

/** A way out for the steps that need one, taken when the first asks. */
export interface LazyNetwork {
  /** Path of the namespace; null: the host's network. */
  get(): Promise<string | null>;
  release(): Promise<void>;
}

export function createNetwork(
  deps: BuilderDeps,
  buildId: string,
  warn: (messages: readonly string[]) => void,
): LazyNetwork {
  let taken: ReturnType<BuilderDeps["allocateNetwork"]> | null = null;
  return {
    async get() {
      const isFirst = taken === null;
      const network = await (taken ??= deps.allocateNetwork(buildId));
      if (isFirst && deps.isRoot && network === null)
        warn(["the build shares the host's network, because it could not be given one of its own"]);
      return network?.netns ?? null;
    },
    async release() {
      const network = await taken?.catch(() => null);
      await network?.release();
    },
  };
}

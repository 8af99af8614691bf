import { BloomError, formatProblem, type AppConfig, type BuildStats } from "@bloomery/contract";
import { loadConfig, toConfigError, type ProjectFiles } from "../config/index.js";
import type { Secrets } from "../release/secrets.js";
import type { Store } from "../store/open-store.js";
import type { Deployment } from "../store/deployments.js";
import type { Version } from "../store/versions.js";
import { beginDeployment, type DeploymentDeps } from "./deployments.js";
import type { Fleet } from "./fleet.js";
import { formatPlace, namesOf, type Place } from "./places.js";
import {
  findLiveRelease,
  loadRunnable,
  obtainRelease,
  planReplicas,
  readBuildVariables,
  readVariables,
} from "./releases.js";
import { enterPhase, goLive, measure, type Edge, type Walk } from "./walk.js";

/** What a build hands back. */
export interface BuildResult {
  readonly buildId: string;
  readonly artifact: string;
  readonly toolchain: string;
  readonly stats: BuildStats;
  /** True when an earlier artifact was used. */
  readonly reused: boolean;
}

/** The build stage as the deployer sees it. */
export interface BuildPort {
  build(
    order: {
      readonly place: Place;
      readonly tree: string;
      readonly config: AppConfig;
      readonly variables: Readonly<Record<string, string>>;
      readonly actor: string;
    },
    walk: Walk,
  ): Promise<BuildResult>;
}

export interface DeployerParts {
  readonly deployments: DeploymentDeps;
  readonly store: Store;
  readonly secrets: Secrets;
  readonly fleet: Fleet;
  readonly edge: Edge;
  readonly build: BuildPort;
  readonly openTree: (tree: string) => Promise<ProjectFiles>;
  readonly artifactDir: (digest: string) => string;
  /** Throws ERR_ARTIFACT_DAMAGED when the artifact is not there. */
  readonly assertArtifact: (digest: string) => Promise<void>;
}

export interface Deployer {
  deploy(
    place: Place,
    order: { tree: string; folderName: string | undefined; uploadMs: number },
    actor: string,
  ): Promise<Deployment>;
  /** Null: the version that was live before the present one. */
  rollback(place: Place, version: number | null, actor: string): Promise<Deployment>;
  /** A new release of the live version with the variables as they stand now. */
  applyVariables(place: Place, actor: string): Promise<Deployment>;
  /** Fresh instances of the live release. */
  restart(place: Place, actor: string, kind: "restart" | "start" | "scale"): Promise<Deployment>;
}

export function createDeployer(parts: DeployerParts): Deployer {
  const { store, secrets } = parts;

  /** The common end of every walk: a release, made live. */
  const makeLive = async (
    walk: Walk,
    row: Deployment,
    place: Place,
    version: Version,
    force: boolean,
  ): Promise<void> => {
    const variables = await readVariables(store, secrets, place);
    const { release, isLive } = await obtainRelease(store, secrets, place, version, variables);
    const previous = await findLiveRelease(store, place);
    await store.deployments.update(row.id, {
      versionId: version.id,
      releaseId: release.id,
      previousReleaseId: previous?.id ?? null,
    });
    const { runnable } = await loadRunnable(parts, place, release);
    const environment = (await store.environments.get(place.environment.id)) ?? place.environment;
    const replicas = planReplicas({ ...place, environment }, version.config);
    const wanted = { releaseId: release.id, replicas };
    const plan = parts.fleet.plan(environment.id, wanted);
    if (
      isLive &&
      !force &&
      environment.desired === "running" &&
      plan.start.length === 0 &&
      plan.stop.length === 0
    ) {
      walk.emit({
        type: "log",
        source: "platform",
        text: `nothing changed: version ${version.number} is live already`,
      });
      return;
    }
    await goLive(walk, runnable, environment, replicas, {
      fleet: parts.fleet,
      edge: parts.edge,
      commit: async () => {
        await store.environments.update(environment.id, { liveReleaseId: release.id, desired: "running" });
        await supersedeOthers(store, environment.id, row.id);
      },
    });
  };

  const begin = (
    place: Place,
    order: Omit<Parameters<typeof beginDeployment>[1], "place">,
  ): Promise<Deployment> => beginDeployment(parts.deployments, { ...order, place });

  const loadLiveVersion = async (place: Place): Promise<Version> => {
    const release = await findLiveRelease(store, place);
    const version = release === undefined ? undefined : await store.versions.get(release.versionId);
    if (version === undefined) {
      throw new BloomError("ERR_NOTHING_DEPLOYED", `${formatPlace(namesOf(place))} has no release yet`);
    }
    return version;
  };

  return {
    deploy: (place, order, actor) =>
      begin(place, {
        kind: "deploy",
        actor,
        tree: order.tree,
        uploadMs: order.uploadMs,
        description: `${actor} deployed ${formatPlace(namesOf(place))}`,
        work: async (walk, row) => {
          const version = await obtainVersion(parts, place, order, actor, walk, row);
          await makeLive(walk, row, place, version, false);
        },
      }),

    async rollback(place, number, actor) {
      const version = await chooseRollback(store, place, number);
      return begin(place, {
        kind: "rollback",
        actor,
        description: `${actor} rolled ${formatPlace(namesOf(place))} back to version ${version.number}`,
        work: async (walk, row) => {
          await parts.assertArtifact(version.artifact);
          await makeLive(walk, row, place, version, false);
        },
      });
    },

    async applyVariables(place, actor) {
      const version = await loadLiveVersion(place);
      return begin(place, {
        kind: "variables",
        actor,
        description: `${actor} changed variables of ${formatPlace(namesOf(place))}`,
        work: (walk, row) => makeLive(walk, row, place, version, false),
      });
    },

    async restart(place, actor, kind) {
      const version = await loadLiveVersion(place);
      const verb = { restart: "restarted", start: "started", scale: "scaled" }[kind];
      return begin(place, {
        kind,
        actor,
        description: `${actor} ${verb} ${formatPlace(namesOf(place))}`,
        work: (walk, row) => makeLive(walk, row, place, version, kind === "restart"),
      });
    },
  };
}

/** Config, build, version: an unchanged source gives the version it gave before. */
async function obtainVersion(
  parts: DeployerParts,
  place: Place,
  order: { tree: string; folderName: string | undefined },
  actor: string,
  walk: Walk,
  row: Deployment,
): Promise<Version> {
  const files = await parts.openTree(order.tree);
  const { config, problems } = loadConfig(files, {
    appName: place.app.name,
    ...(order.folderName === undefined ? {} : { folderName: order.folderName }),
  });
  for (const problem of problems) {
    if (problem.severity === "warning") walk.emit({ type: "warning", message: formatProblem(problem) });
  }
  if (config === null) {
    throw toConfigError(problems);
  }
  await walk.enter("building");
  enterPhase(walk, "queue");
  const variables = await readBuildVariables(parts.store, parts.secrets, place);
  const built = await measure(walk, "buildMs", () =>
    parts.build.build({ place, tree: order.tree, config, variables, actor }, walk),
  );
  walk.emit({ type: "stats", stats: built.stats, toolchain: built.toolchain });
  await parts.store.deployments.update(row.id, { buildId: built.buildId });
  const recent = await parts.store.versions.list({ appId: place.app.id, limit: 100 });
  const same = recent.find(
    (version) =>
      version.artifact === built.artifact && JSON.stringify(version.config) === JSON.stringify(config),
  );
  if (same !== undefined) return same;
  return parts.store.versions.create({
    appId: place.app.id,
    buildId: built.buildId,
    artifact: built.artifact,
    tree: order.tree,
    config,
    createdBy: actor,
  });
}

/** Deployments that were live before this one keep their record, not their state. */
async function supersedeOthers(store: Store, environmentId: string, id: string): Promise<void> {
  const recent = await store.deployments.list({ environmentId, limit: 50 });
  for (const row of recent) {
    if (row.state === "live" && row.id !== id)
      await store.deployments.update(row.id, { state: "superseded" });
  }
}

async function chooseRollback(store: Store, place: Place, number: number | null): Promise<Version> {
  const live = await findLiveRelease(store, place);
  if (number !== null) {
    const version = await store.versions.getByNumber(place.app.id, number);
    if (version !== undefined) return version;
    throw new BloomError("ERR_NOT_FOUND", `${formatPlace(namesOf(place))} has no version ${number}`, {
      hint: "`bloom versions APP` lists the versions.",
    });
  }
  // The newest version older than the live one that this environment has served: going back twice goes further.
  const current = live === undefined ? undefined : await store.versions.get(live.versionId);
  const served = new Set(
    (await store.releases.list({ environmentId: place.environment.id, limit: 1000 })).map(
      (release) => release.versionId,
    ),
  );
  const versions = await store.versions.list({ appId: place.app.id, limit: 1000 });
  const version = versions
    .filter((one) => current !== undefined && one.number < current.number && served.has(one.id))
    .sort((a, b) => b.number - a.number)[0];
  if (version === undefined) {
    throw new BloomError(
      "ERR_NOTHING_TO_ROLL_BACK",
      `${formatPlace(namesOf(place))} has no version before the live one`,
    );
  }
  return version;
}

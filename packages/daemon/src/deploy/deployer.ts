import { BloomError, type DeploymentKind, type DeployConfig } from "@bloomery/contract";
import type { Deployment } from "../store/deployments.js";
import type { Environment } from "../store/environments.js";
import type { Release } from "../store/releases.js";
import { needsStopStart } from "../run/plan-tcp.js";
import type { Store } from "../store/open-store.js";
import type { Version } from "../store/versions.js";
import { chooseRollback } from "./choose-rollback.js";
import { beginDeployment, type DeploymentDeps } from "./deployments.js";
import type { Edge } from "./edge.js";
import type { Fleet, RunnableRelease } from "./fleet.js";
import { goLive, type LiveOrder, type LiveParts } from "./go-live.js";
import { planHooks, type HookPlan } from "./hooks/plan-hooks.js";
import { runDeployHook, runPostDeployHook, type HookParts } from "./hooks/walk-hooks.js";
import { notePorts } from "./note-ports.js";
import { obtainVersion, type SourceOrder, type VersionParts } from "./obtain-version.js";
import { formatPlace, namesOf, type Place } from "./places.js";
import { listPlaces } from "./plan-fleet.js";
import { planReplicas } from "./plan-replicas.js";
import { findLiveRelease, loadRunnable, obtainRelease, readVariables } from "./releases.js";
import { replaceEach } from "./replace-each.js";
import { stopStart } from "./stop-start.js";
import type { Walk } from "./walk.js";

export interface DeployerParts extends VersionParts, HookParts {
  readonly deployments: DeploymentDeps;
  readonly fleet: Fleet;
  readonly edge: Edge;
  /** True when instances can have addresses of their own. */
  readonly hasNetwork: boolean;
  readonly holds: {
    readonly open: LiveParts["openHold"];
    /** Whether somebody might be let in, or started, though nobody serves at present. */
    isNeeded(environmentId: string): boolean;
  };
  readonly heal: (environmentId: string) => void;
  /** Throws ERR_ARTIFACT_DAMAGED when the artifact is not there. */
  readonly assertArtifact: (digest: string) => Promise<void>;
}

type Strategy = DeployConfig["strategy"];

/** What an owner may ask of one deployment. */
export interface LiveWish {
  /** In place of the config's. */
  readonly strategy?: Strategy | undefined;
  /** False: no hooks. */
  readonly hooks?: boolean;
}

export interface PublishOrder {
  /** What is done, in words with % for the place. */
  readonly done: string;
  readonly tree: string;
  obtain(): Promise<Version>;
  /** After it is live. */
  published(version: Version): Promise<unknown>;
}

export interface Deployer {
  deploy(
    place: Place,
    order: SourceOrder & LiveWish & { readonly uploadMs: number },
    actor: string,
  ): Promise<Deployment>;
  /** Makes a version live that is decided on once the environment is locked. */
  publish(place: Place, order: PublishOrder, actor: string): Promise<Deployment>;
  /** Null: the version that was live before the present one. */
  rollback(place: Place, version: number | null, wish: LiveWish, actor: string): Promise<Deployment>;
  /** A new release of the live version with the variables as they stand now. */
  applyVariables(place: Place, actor: string): Promise<Deployment>;
  /** Fresh instances of the live release. */
  restart(
    place: Place,
    wish: LiveWish & { readonly kind: "redeploy" | "restart" | "start" },
    actor: string,
  ): Promise<Deployment>;
}

const verbs = { redeploy: "redeployed", restart: "restarted", start: "started" } as const;

export function createDeployer(parts: DeployerParts): Deployer {
  const { store } = parts;

  const assertRoutable = (place: Place, { config, artifact }: Version): Promise<void> =>
    parts.assertRoutable(place, config, parts.artifactDir(artifact));

  /** The common end of every walk: a release, made live. */
  const makeLive = async (
    walk: Walk,
    row: Deployment,
    place: Place,
    version: Version,
    wish: LiveWish & { readonly isForced: boolean },
  ): Promise<void> => {
    // Ports may have gone to others since the version was made, and its certificates are files it was built with.
    if (version.config.shape === "tcp") await assertRoutable(place, version);
    const variables = await readVariables(parts, place, "visibleRuntime");
    const { release, isLive } = await obtainRelease(parts, place, version, variables);
    const previous = await findLiveRelease(store, place);
    await store.deployments.update(row.id, {
      versionId: version.id,
      releaseId: release.id,
      previousReleaseId: previous?.id ?? null,
    });
    const environment = (await store.environments.get(place.environment.id)) ?? place.environment;
    const { runnable } = await loadRunnable(parts, place, release);
    const { least, first, most } = planReplicas(environment.replicas, version.config);
    const hooks = planHooks({
      kind: row.kind,
      hooks: version.config.hooks,
      versionId: version.id,
      hookedVersionId: environment.hookedVersionId,
      isWanted: wish.hooks ?? true,
    });
    const plan = parts.fleet.plan(environment.id, { releaseId: release.id, replicas: least, most });
    const isAsWanted = environment.desired === "running" && plan.start.length === 0 && plan.stop.length === 0;
    if (isLive && !wish.isForced && isAsWanted && hooks.deploy === null) {
      const text = `nothing changed: version ${version.number} is live already`;
      walk.emit({ type: "log", source: "platform", text });
      return;
    }
    const order = { release: runnable, environment, replicas: first };
    const isAlone = needsStopStart(version.config, parts.hasNetwork);
    const strategy = isAlone ? "stopstart" : (wish.strategy ?? version.config.deploy.strategy);
    await switchOver(walk, row, order, { version, release, previous, place, hooks, strategy });
  };

  /** For a version that was built at another time: its artifact may have suffered since. */
  const makeLiveAgain: typeof makeLive = async (walk, row, place, version, wish) => {
    await parts.assertArtifact(version.artifact);
    await makeLive(walk, row, place, version, wish);
  };

  const switchOver = async (
    walk: Walk,
    row: Deployment,
    order: LiveOrder & { readonly environment: Environment },
    facts: {
      readonly version: Version;
      readonly release: Release;
      readonly previous: Release | undefined;
      readonly place: Place;
      readonly hooks: HookPlan;
      readonly strategy: Strategy;
    },
  ): Promise<void> => {
    const { version, release, hooks } = facts;
    const id = order.environment.id;
    let isHooked = false;
    const live: LiveParts = {
      fleet: parts.fleet,
      edge: parts.edge,
      openHold: parts.holds.open,
      heal: parts.heal,
      async prepare(instances) {
        await notePorts(parts, walk, { place: facts.place, version }, instances);
        isHooked = await runDeployHook(parts, walk, { config: version.config, hooks, instances });
      },
      async commit() {
        const patch = { liveReleaseId: release.id, desired: "running" } as const;
        await store.environments.update(id, isHooked ? { ...patch, hookedVersionId: version.id } : patch);
        await supersedeOthers(store, id, row.id);
      },
    };
    // A new version takes the place of the old one at one moment; of the live one nobody can tell old from new.
    const isReplaced =
      facts.previous?.id === release.id &&
      version.config.function === null &&
      listPlaces(order.replicas).length > 1 &&
      parts.fleet.live(id).length > 0;
    // Of a function two versions can always run; and its requests wait elsewhere.
    const isHeld =
      facts.strategy === "stopstart" &&
      version.config.function === null &&
      (parts.fleet.live(id).length > 0 || parts.holds.isNeeded(id));
    const fresh = isHeld
      ? await stopStart(walk, { ...order, previous: await loadPrevious(facts) }, live)
      : isReplaced
        ? await replaceEach(walk, order, live)
        : await goLive(walk, order, live);
    await runPostDeployHook(parts, walk, { hooks, instances: fresh });
  };

  const loadPrevious = async (facts: {
    readonly place: Place;
    readonly previous: Release | undefined;
  }): Promise<RunnableRelease | null> =>
    facts.previous === undefined ? null : (await loadRunnable(parts, facts.place, facts.previous)).runnable;

  const begin = (
    place: Place,
    order: Omit<Parameters<typeof beginDeployment>[1], "place" | "description"> & {
      readonly kind: DeploymentKind;
      readonly done: string;
    },
  ): Promise<Deployment> => {
    const description = `${order.actor} ${order.done.replace("%", formatPlace(namesOf(place)))}`;
    return beginDeployment(parts.deployments, { ...order, place, description });
  };

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
        done: "deployed %",
        work: async (walk, row) => {
          const version = await obtainVersion(parts, place, order, actor, walk, row);
          await makeLive(walk, row, place, version, { strategy: order.strategy, isForced: false });
        },
      }),

    publish: (place, { done, tree, obtain, published }, actor) =>
      begin(place, {
        kind: "deploy",
        actor,
        tree,
        done,
        async work(walk, row) {
          const version = await obtain();
          const missing = parts.assertIsolation(version.config);
          if (missing !== null) walk.emit({ type: "warning", message: missing });
          await assertRoutable(place, version);
          await makeLiveAgain(walk, row, place, version, { isForced: false });
          await published(version);
        },
      }),

    async rollback(place, number, wish, actor) {
      const version = await chooseRollback(store, place, number);
      return begin(place, {
        kind: "rollback",
        actor,
        done: `rolled % back to version ${version.number}`,
        work: (walk, row) => makeLiveAgain(walk, row, place, version, { ...wish, isForced: false }),
      });
    },

    async applyVariables(place, actor) {
      const version = await loadLiveVersion(place);
      return begin(place, {
        kind: "variables",
        actor,
        done: "changed variables of %",
        work: (walk, row) => makeLiveAgain(walk, row, place, version, { isForced: false }),
      });
    },

    async restart(place, wish, actor) {
      const version = await loadLiveVersion(place);
      const isForced = wish.kind !== "start";
      return begin(place, {
        kind: wish.kind,
        actor,
        done: `${verbs[wish.kind]} %`,
        work: (walk, row) => makeLiveAgain(walk, row, place, version, { ...wish, isForced }),
      });
    },
  };
}

/** Deployments that were live before this one keep their record, not their state. */
async function supersedeOthers(store: Store, environmentId: string, id: string): Promise<void> {
  const recent = await store.deployments.list({ environmentId, limit: 50 });
  for (const row of recent) {
    if (row.state === "live" && row.id !== id)
      await store.deployments.update(row.id, { state: "superseded" });
  }
}

import {
  errorDocument,
  formatAppRef,
  nameAppIn,
  type ActivityView,
  type AppRef,
  type AppView,
  type DeploymentView,
  type EnvironmentView,
  type ErrorDocument,
  type TokenView,
  type VersionView,
} from "@bloomery/contract";
import type { Store } from "../store/open-store.js";
import type { Activity } from "../store/activities.js";
import type { App } from "../store/apps.js";
import type { Deployment } from "../store/deployments.js";
import type { Environment } from "../store/environments.js";
import type { Org } from "../store/orgs.js";
import type { Token } from "../store/tokens.js";
import type { Version } from "../store/versions.js";
import { describeExit } from "../run/describe-exit.js";
import type { Instance } from "../run/engines/engine.js";
import type { AppActivation } from "../deploy/activation/open-activation.js";
import type { Healer } from "../deploy/heal.js";
import type { Fleet } from "../deploy/fleet.js";
import { planPresent, planReplicas } from "../deploy/plan-replicas.js";
import { namesOf, placeOfEnvironment, type Place } from "../deploy/places.js";
import { describeHealth } from "./describe-health.js";
import { planAddresses, type Addresses, type EdgeAddress } from "../deploy/addresses.js";

/** What views need besides the row they show. */
export interface ViewParts {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly healer: Pick<Healer, "failureOf" | "failing">;
  readonly activation: Pick<AppActivation, "isAtRest" | "isShort" | "isWaking">;
  readonly edge: EdgeAddress;
}

export async function viewDeployment(parts: ViewParts, row: Deployment): Promise<DeploymentView> {
  const place = await placeOfEnvironment(parts.store, row.environmentId);
  const build = row.buildId === null ? undefined : await parts.store.builds.get(row.buildId);
  return {
    id: row.id,
    environment: row.environmentName,
    kind: row.kind,
    state: row.state,
    version: row.versionNumber,
    release: row.releaseNumber,
    build: row.buildId,
    // A build that is older than the deployment was made for another one.
    reused: build !== undefined && build.createdAt < row.createdAt,
    ...(place === undefined ? { url: "", tcp: null } : await viewAddresses(parts, place, row.versionId)),
    error: viewError(row.error, place === undefined ? {} : namesOf(place)),
    timings: row.timings,
    createdBy: row.createdBy,
    createdAt: row.createdAt,
    finishedAt: row.finishedAt,
  };
}

/** Where what was deployed is found, or what is live there now. */
async function viewAddresses(
  { store, edge }: ViewParts,
  place: Place,
  versionId: string | null,
): Promise<Addresses> {
  const id = versionId ?? place.environment.liveVersionId;
  const version = id === null ? undefined : await store.versions.get(id);
  return planAddresses(namesOf(place), version?.config, edge);
}

/** As it is now: it may have changed since the place was found. */
export async function viewEnvironment(parts: ViewParts, place: Place): Promise<EnvironmentView> {
  const environment = (await parts.store.environments.get(place.environment.id)) ?? place.environment;
  return viewFound(parts, { ...place, environment });
}

/** The same of one that was read this moment: a thousand apps are looked at one by one. */
async function viewFound(parts: ViewParts, place: Place, newest?: Version): Promise<EnvironmentView> {
  const { environment } = place;
  const { liveReleaseNumber, liveVersionId } = environment;
  const version =
    liveVersionId === null
      ? undefined
      : liveVersionId === newest?.id
        ? newest
        : await parts.store.versions.get(liveVersionId);
  const [last] = await parts.store.deployments.list({ environmentId: environment.id, limit: 1 });
  const live = parts.fleet.live(environment.id);
  const isFunction = version !== undefined && version.config.function !== null;
  const plan = version === undefined ? null : planReplicas(environment.replicas, version.config);
  // Nothing is wanted of what sleeps, until somebody asks for it.
  const isAtRest = parts.activation.isAtRest(environment.id);
  const isWaking = parts.activation.isWaking(environment.id);
  // One more is needed than there is.
  const isShort = parts.activation.isShort(environment.id);
  const running = live.length + (isWaking || isShort ? 1 : 0);
  const present = plan === null || version === undefined ? {} : planPresent(plan, version.config, running);
  const replicas = isFunction
    ? { web: Math.max(isAtRest ? 0 : (present["web"] ?? 0), running) }
    : (plan?.most ?? {});
  const awaited = isFunction ? replicas : present;
  const isStopped = environment.desired === "stopped";
  const wanted = isStopped || isAtRest ? 0 : Object.values(awaited).reduce((sum, one) => sum + one, 0);
  const states = live.map(({ status }) => status.state);
  const ready = states.filter((state) => state === "ready").length;
  const failure = isStopped ? null : parts.healer.failureOf(environment.id);
  return {
    name: environment.name,
    ...planAddresses(namesOf(place), version?.config, parts.edge),
    desired: environment.desired,
    health: describeHealth({
      ...{ isStopped, isAtRest, ready, wanted },
      hasRelease: liveReleaseNumber !== null,
      hasCrashed: states.includes("crashed"),
      hasFailed: failure !== null && !isWaking && (isAtRest || live.length < wanted),
    }),
    version: version?.number ?? null,
    release: liveReleaseNumber,
    replicas,
    instances: { ready, wanted },
    // Nobody expects an app that sleeps to run; that it cannot is what its owner must know all the same.
    trouble: ready >= wanted && !isAtRest ? null : (describeTrouble(live, wanted) ?? failure),
    lastDeployment:
      last === undefined
        ? null
        : { id: last.id, state: last.state, createdAt: last.createdAt, finishedAt: last.finishedAt },
  };
}

/** How those that are not ready ended last, or what their probes saw; of several replicas it says which. */
function describeTrouble(instances: readonly Instance[], wanted: number): string | null {
  const reasons = instances
    .filter(({ status }) => status.state !== "ready")
    .flatMap(({ role, replica, status, memoryBytes }) => {
      const reason =
        status.last_exit === null ? status.last_probe : describeExit(status.last_exit, memoryBytes);
      if (reason === null) return [];
      return [wanted > 1 ? `${role}/${replica}: ${reason}` : reason];
    });
  return reasons.length === 0 ? null : reasons.join("; ");
}

export async function viewApp(parts: ViewParts, org: Org, app: App): Promise<AppView> {
  const environments = await parts.store.environments.list({ appId: app.id });
  const [version] = await parts.store.versions.list({ appId: app.id, limit: 1 });
  return {
    org: org.name,
    app: app.name,
    shape: version?.config.shape ?? null,
    createdAt: app.createdAt,
    environments: await Promise.all(
      environments.map((environment: Environment) => viewFound(parts, { org, app, environment }, version)),
    ),
  };
}

export async function viewVersion(store: Store, app: App, row: Version): Promise<VersionView> {
  const build = await store.builds.get(row.buildId);
  const environments = await store.environments.list({ appId: app.id });
  const liveIn = environments.filter((one) => one.liveVersionId === row.id).map((one) => one.name);
  return {
    number: row.number,
    build: row.buildId,
    artifact: row.artifact,
    tree: row.tree,
    toolchain: build?.toolchain ?? null,
    liveIn,
    createdBy: row.createdBy,
    createdAt: row.createdAt,
  };
}

export function viewToken(row: Token): TokenView {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    org: row.orgName,
    app: row.appName,
    createdAt: row.createdAt,
    lastUsedAt: row.lastUsedAt,
    expiresAt: row.expiresAt,
  };
}

export function viewActivity(row: Activity): ActivityView {
  const names = row.parameters as { org?: string; app?: string; environment?: string };
  return {
    id: row.id,
    type: row.type,
    state: row.state,
    actor: row.actor,
    description: row.description,
    org: names.org ?? null,
    app: names.app ?? null,
    environment: row.environment,
    deployment: row.deploymentId,
    error: viewError(row.error, names),
    createdAt: row.createdAt,
    finishedAt: row.finishedAt,
  };
}

/** Keeps only what the contract knows of an error, and names the app. */
function viewError(error: ErrorDocument | null, { org, app }: Partial<AppRef>): DeploymentView["error"] {
  if (error === null) return null;
  const isPlaced = org !== undefined && app !== undefined;
  return errorDocument.parse(isPlaced ? nameAppIn(error, formatAppRef({ org, app })) : error);
}

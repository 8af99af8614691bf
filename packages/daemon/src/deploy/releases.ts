import { BloomError, type AppConfig } from "@bloomery/contract";
import type { Store } from "../store/open-store.js";
import type { Release } from "../store/releases.js";
import type { Version } from "../store/versions.js";
import { planEnvironment } from "../release/plan-environment.js";
import type { Secrets } from "../release/secrets.js";
import type { RunnableRelease } from "./fleet.js";
import type { Place } from "./places.js";

/** The owner's variables of one release, frozen with it: a rollback brings back version and variables alike. */
export interface FrozenVariables {
  readonly app: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
}

/** Opens the variables as they stand now. */
export async function readVariables(store: Store, secrets: Secrets, place: Place): Promise<FrozenVariables> {
  const open = async (environmentId: string | null): Promise<Record<string, string>> => {
    const rows = await store.variables.list({ appId: place.app.id, environmentId });
    return Object.fromEntries(
      rows.filter((row) => row.visibleRuntime).map((row) => [row.name, secrets.open(row.value)]),
    );
  };
  return { app: await open(null), environment: await open(place.environment.id) };
}

/** Variables that builds see, sorted by name so that equal sets give equal build keys. */
export async function readBuildVariables(
  store: Store,
  secrets: Secrets,
  place: Place,
): Promise<Readonly<Record<string, string>>> {
  const rows = await store.variables.listInForce(place.app.id, place.environment.id);
  return Object.fromEntries(
    rows.filter((row) => row.visibleBuild).map((row) => [row.name, secrets.open(row.value)]),
  );
}

/**
 * The release of this version with these variables: the live one when it is the same, else a new one with the
 * next number.
 */
export async function obtainRelease(
  store: Store,
  secrets: Secrets,
  place: Place,
  version: Version,
  variables: FrozenVariables,
): Promise<{ readonly release: Release; readonly isLive: boolean }> {
  const live = await findLiveRelease(store, place);
  if (live !== undefined && live.versionId === version.id) {
    const frozen = secrets.open(live.variables);
    if (frozen === JSON.stringify(variables)) return { release: live, isLive: true };
  }
  const release = await store.releases.create({
    environmentId: place.environment.id,
    versionId: version.id,
    variables: secrets.seal(JSON.stringify(variables)),
  });
  return { release, isLive: false };
}

/** The release the environment serves, read afresh: a deployment may have changed it since `place` was found. */
export async function findLiveRelease(store: Store, place: Place): Promise<Release | undefined> {
  const environment = await store.environments.get(place.environment.id);
  if (environment === undefined || environment.liveReleaseId === null) return undefined;
  return store.releases.get(environment.liveReleaseId);
}

/** Everything an engine needs to run a release. Throws ERR_NOT_FOUND when its version is gone. */
export async function loadRunnable(
  parts: {
    readonly store: Store;
    readonly secrets: Secrets;
    readonly artifactDir: (digest: string) => string;
  },
  place: Place,
  release: Release,
): Promise<{ readonly runnable: RunnableRelease; readonly version: Version }> {
  const version = await parts.store.versions.get(release.versionId);
  if (version === undefined) {
    throw new BloomError(
      "ERR_NOT_FOUND",
      `release ${release.number} names a version that does not exist any more`,
    );
  }
  const variables = JSON.parse(parts.secrets.open(release.variables)) as FrozenVariables;
  const config: AppConfig = version.config;
  const runnable: RunnableRelease = Object.freeze({
    environmentId: place.environment.id,
    releaseId: release.id,
    appName: place.app.name,
    appSlot: place.app.slot,
    config,
    artifactDir: parts.artifactDir(version.artifact),
    env: planEnvironment({
      org: place.org.name,
      app: place.app.name,
      environment: place.environment.name,
      tree: version.tree,
      version: version.number,
      config,
      appVariables: variables.app,
      environmentVariables: variables.environment,
    }),
  });
  return { runnable, version };
}

/** Replicas of an environment: what its owner set, else what the manifest asks for. */
export function planReplicas(place: Place, config: AppConfig): Readonly<Record<string, number>> {
  return { web: config.replicas, ...place.environment.replicas };
}

import { BloomError, type AppConfig } from "@bloomery/contract";
import { assertEnvironmentFits } from "../release/assert-environment-fits.js";
import { obtainIdentity } from "../release/identity.js";
import { planBuildVariables } from "../release/plan-build-variables.js";
import { planEnvironment, type EnvironmentFacts } from "../release/plan-environment.js";
import { planRuntimeDocument } from "../release/plan-runtime-document.js";
import { tryOpen, type Secrets } from "../release/secrets.js";
import type { OwnValue, OwnVariables } from "../release/split-variables.js";
import type { Store } from "../store/open-store.js";
import type { Release } from "../store/releases.js";
import type { Version } from "../store/versions.js";
import type { RunnableRelease } from "./fleet.js";
import { namesOf, placeOfEnvironment, urlOf, type NamedPlace, type Place } from "./places.js";

/** What turns a release into something that runs. */
export interface ReleaseParts {
  readonly store: Store;
  readonly secrets: Secrets;
  readonly artifactDir: (digest: string) => string;
  /** Where environments are found by browsers. */
  readonly address: { readonly baseDomain: string; readonly httpPort: number };
}

/** Opens the variables as they stand now, sorted by name so that equal sets give equal texts. */
export async function readVariables(
  parts: Pick<ReleaseParts, "store" | "secrets">,
  place: Place,
  sight: "visibleRuntime" | "visibleBuild",
): Promise<OwnVariables> {
  const open = async (environmentId: string | null): Promise<OwnVariables["app"]> => {
    const rows = await parts.store.variables.list({ appId: place.app.id, environmentId });
    return Object.fromEntries(
      rows
        .filter((row) => row[sight])
        .map((row): [string, OwnValue] => {
          const text = tryOpen(parts.secrets, row.value);
          if (text === null) throw unreadable(row.name, environmentId === null ? "app" : "environment");
          return [row.name, row.json ? { json: text } : text];
        }),
    );
  };
  return { app: await open(null), environment: await open(place.environment.id) };
}

function unreadable(name: string, level: "app" | "environment"): BloomError {
  const message = `the variable ${name} (${level}) was sealed with another secrets.key`;
  const hint = `Restore secrets.key from its backup, or set the variable anew: \`bloom secret set APP ${name} --level ${level}\`.`;
  return new BloomError("ERR_SECRETS_LOST", message, { hint });
}

/** Everything a build is told of the app and its owner's variables. */
export async function readBuildVariables(
  parts: Pick<ReleaseParts, "store" | "secrets">,
  place: Place,
  config: AppConfig,
): Promise<Readonly<Record<string, string>>> {
  const own = await readVariables(parts, place, "visibleBuild");
  const identity = await obtainIdentity(parts.store, parts.secrets, place.app.id);
  const variables = planBuildVariables(config, own, identity);
  assertEnvironmentFits(variables);
  return variables;
}

/**
 * The release of this version with these variables: the live one when it is the same, else a new one with the
 * next number.
 */
export async function obtainRelease(
  { store, secrets }: Pick<ReleaseParts, "store" | "secrets">,
  place: Place,
  version: Version,
  variables: OwnVariables,
): Promise<{ readonly release: Release; readonly isLive: boolean }> {
  const live = await findLiveRelease(store, place);
  if (live !== undefined && live.versionId === version.id) {
    // Of one that was sealed with a lost key nobody can say that nothing has changed.
    const frozen = tryOpen(secrets, live.variables);
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

/** What a release needs to know of the place it runs at. */
export interface RunPlace extends NamedPlace {
  readonly app: Pick<Place["app"], "id" | "name" | "slot">;
  readonly environment: Pick<Place["environment"], "id" | "name">;
}

/** Everything an engine needs to run a release. Throws ERR_NOT_FOUND when its version is gone. */
export async function loadRunnable(
  parts: ReleaseParts,
  place: RunPlace,
  release: Release,
): Promise<{ readonly runnable: RunnableRelease; readonly version: Version }> {
  const version = await parts.store.versions.get(release.versionId);
  if (version === undefined) {
    throw new BloomError(
      "ERR_NOT_FOUND",
      `release ${release.number} names a version that does not exist any more`,
    );
  }
  const own = JSON.parse(parts.secrets.open(release.variables)) as OwnVariables;
  return {
    runnable: await composeRunnable(parts, place, { ...version, releaseId: release.id, own }),
    version,
  };
}

/** Code that is ready to run, with the variables it is to have. */
export interface RunnableCode extends Pick<Version, "number" | "tree" | "artifact" | "config"> {
  readonly releaseId: string;
  readonly own: OwnVariables;
}

/** The same for code that no release names. */
export async function composeRunnable(
  parts: ReleaseParts,
  place: RunPlace,
  { number, tree, artifact, config, releaseId, own }: RunnableCode,
): Promise<RunnableRelease> {
  const names = namesOf(place);
  const identity = await obtainIdentity(parts.store, parts.secrets, place.app.id);
  const url = urlOf(names, parts.address);
  const facts: EnvironmentFacts = { ...names, tree, version: number, config, own, identity, url };
  const env = planEnvironment(facts);
  assertEnvironmentFits(env);
  return Object.freeze({
    environmentId: place.environment.id,
    releaseId,
    appName: place.app.name,
    appSlot: place.app.slot,
    config,
    artifactDir: parts.artifactDir(artifact),
    env,
    runtimeDocument: planRuntimeDocument(facts),
  });
}

/** The environment of a release's processes, for a further command in one of them. Throws ERR_NOT_FOUND. */
export async function loadEnvironment(
  parts: ReleaseParts,
  releaseId: string,
): Promise<Readonly<Record<string, string>>> {
  const release = await parts.store.releases.get(releaseId);
  const place =
    release === undefined ? undefined : await placeOfEnvironment(parts.store, release.environmentId);
  if (release === undefined || place === undefined) {
    throw new BloomError("ERR_NOT_FOUND", `the release ${releaseId} does not exist any more`);
  }
  return (await loadRunnable(parts, place, release)).runnable.env;
}

import { isDeepStrictEqual } from "node:util";
import { formatProblem, type AppConfig, type BuildStats, type DeploymentEvent } from "@bloomery/contract";
import { loadConfig, toConfigError, type ProjectFiles } from "../config/index.js";
import { findHiddenByMounts } from "../run/find-hidden.js";
import { findMissingRoots } from "../run/find-missing-roots.js";
import type { Deployment } from "../store/deployments.js";
import type { FunctionFacts, Version } from "../store/versions.js";
import { withSettings } from "./function/with-settings.js";
import type { Place } from "./places.js";
import { readBuildVariables, type ReleaseParts } from "./releases.js";
import { enterPhase, measure, type Walk } from "./walk.js";

/** What a build hands back. */
export interface BuildResult {
  readonly buildId: string;
  readonly artifact: string;
  readonly toolchain: string;
  readonly stats: BuildStats;
  /** True when an earlier artifact was used. */
  readonly reused: boolean;
  /** Of functions. */
  readonly facts?: FunctionFacts | null;
}

/** What a build needs of whoever waits for it: a deployment's walk, or a compile that belongs to none. */
export interface BuildWalk {
  readonly signal: AbortSignal;
  emit(event: DeploymentEvent): void;
  readonly deployment: string | null;
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
      /** The build's record, where there is one already. */
      readonly record?: string;
    },
    walk: BuildWalk,
  ): Promise<BuildResult>;
}

/** What was uploaded, and from where. */
export interface SourceOrder {
  readonly tree: string;
  readonly folderName: string | undefined;
  /** The folder of the tree the command was run in, "" for its top. */
  readonly folder: string;
  /** One of the manifest's apps, when there are several. */
  readonly manifestApp: string | undefined;
}

export interface VersionParts extends ReleaseParts {
  readonly build: BuildPort;
  readonly openTree: (tree: string) => Promise<ProjectFiles>;
  /** Throws ERR_ISOLATION_UNAVAILABLE; returns in words what is missing although its owner has accepted that. */
  readonly assertIsolation: (config: AppConfig) => string | null;
  /**
   * Throws ERR_MANIFEST_INVALID when nginx would refuse what the config says, ERR_PORT_TAKEN when a port is not to be
   * had. `artifactDir`: null before there is an artifact.
   */
  readonly assertRoutable: (place: Place, config: AppConfig, artifactDir: string | null) => Promise<void>;
}

/** Config, build, version: an unchanged source gives the version it gave before. */
export async function obtainVersion(
  parts: VersionParts,
  place: Place,
  order: SourceOrder,
  actor: string,
  walk: Walk,
  row: Deployment,
): Promise<Version> {
  const config = await withSettings(parts.store, place.app.id, await readConfig(parts, place, order, walk));
  const missing = parts.assertIsolation(config);
  if (missing !== null) walk.emit({ type: "warning", message: missing });
  // Before a build of minutes, and long before the other apps' routes are touched.
  await parts.assertRoutable(place, config, null);
  await walk.enter("building");
  enterPhase(walk, "queue");
  const variables = await readBuildVariables(parts, place, config);
  const built = await measure(walk, "buildMs", () =>
    parts.build.build({ place, tree: order.tree, config, variables, actor }, walk),
  );
  walk.emit({ type: "stats", stats: built.stats, toolchain: built.toolchain });
  await parts.store.deployments.update(row.id, { buildId: built.buildId });
  for (const path of await findHiddenByMounts(parts.artifactDir(built.artifact), config.mounts)) {
    walk.emit({ type: "warning", message: `the mount /${path} hides files that the build made there` });
  }
  const { locations } = config.web;
  for (const { location, root } of await findMissingRoots(
    parts.artifactDir(built.artifact),
    locations,
    config.mounts,
  )) {
    const message = `the location ${location} has files from ${root}, which is no folder after the build: none is served`;
    walk.emit({ type: "warning", message });
  }
  const recent = await parts.store.versions.list({ appId: place.app.id, limit: 100 });
  const same = recent.find(
    (version) => version.artifact === built.artifact && isDeepStrictEqual(version.written, config),
  );
  if (same !== undefined) return same;
  return parts.store.versions.create({
    appId: place.app.id,
    buildId: built.buildId,
    artifact: built.artifact,
    tree: order.tree,
    config,
    facts: built.facts ?? null,
    createdBy: actor,
  });
}

async function readConfig(
  parts: VersionParts,
  place: Place,
  order: SourceOrder,
  walk: Walk,
): Promise<AppConfig> {
  const { config, problems } = loadConfig(await parts.openTree(order.tree), {
    appName: place.app.name,
    folder: order.folder,
    ...(order.folderName === undefined ? {} : { folderName: order.folderName }),
    ...(order.manifestApp === undefined ? {} : { manifestApp: order.manifestApp }),
  });
  for (const problem of problems) {
    if (problem.severity === "warning") walk.emit({ type: "warning", message: formatProblem(problem) });
  }
  if (config === null) throw toConfigError(problems);
  return config;
}

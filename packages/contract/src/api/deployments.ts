import { z } from "zod";
import { environmentName } from "../names.js";
import { deploymentKind, deploymentState } from "../states.js";
import {
  appParams,
  done,
  environmentParams,
  errorDocument,
  limitQuery,
  tcpAddress,
  timestamp,
} from "./common.js";
import { defineRoutes } from "./route.js";

/** Milliseconds spent in each phase; phases that did not happen are 0. */
export const timings = z.object({
  uploadMs: z.number(),
  buildMs: z.number(),
  startMs: z.number(),
  switchMs: z.number(),
  totalMs: z.number(),
});
export type Timings = z.infer<typeof timings>;

export const buildStats = z.object({
  /** Units cargo planned; null when cargo did not say. */
  units: z.number().int().nullable(),
  fresh: z.number().int(),
  compiled: z.number().int(),
  /** Crates that were compiled though an older build of them existed, and cargo's reason. */
  rebuilt: z.array(z.object({ crate: z.string(), reason: z.string() })),
});
export type BuildStats = z.infer<typeof buildStats>;

export const deploymentView = z.object({
  id: z.string(),
  environment: environmentName,
  kind: deploymentKind,
  state: deploymentState,
  version: z.number().int().nullable(),
  release: z.number().int().nullable(),
  build: z.string().nullable(),
  /** True when an earlier artifact was used and nothing was built. */
  reused: z.boolean(),
  /** Of a tcp app `tcp://HOST:PORT`; empty until its ports are known. */
  url: z.string(),
  /** Null for every shape but tcp. */
  tcp: z.array(tcpAddress).nullable(),
  error: errorDocument.nullable(),
  timings: timings.nullable(),
  createdBy: z.string(),
  createdAt: timestamp,
  finishedAt: timestamp.nullable(),
});
export type DeploymentView = z.infer<typeof deploymentView>;

export const deployStrategy = z.enum(["rolling", "stopstart"]);

/** The steps a deploy is shown in, in order. */
export const deployPhase = z.enum([
  "queue",
  "fetch",
  "compile",
  "collect",
  "hold",
  "start",
  "ready",
  "deploy_hook",
  "switch",
  "drain",
  "post_deploy_hook",
]);
export type DeployPhase = z.infer<typeof deployPhase>;

/** One line of a deployment's event stream; the stream ends after `finished`. */
export const deploymentEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("phase"), phase: deployPhase, at: timestamp, detail: z.string().optional() }),
  z.object({
    type: z.literal("progress"),
    phase: deployPhase,
    done: z.number().int(),
    total: z.number().int(),
    current: z.string().optional(),
  }),
  z.object({
    type: z.literal("log"),
    source: z.enum(["build", "app", "hook", "platform"]),
    text: z.string(),
  }),
  z.object({
    type: z.literal("warning"),
    message: z.string(),
    /** The phase it was said in has failed, and the deployment goes on. */
    failed: z.literal(true).optional(),
  }),
  z.object({ type: z.literal("stats"), stats: buildStats, toolchain: z.string() }),
  z.object({ type: z.literal("finished"), deployment: deploymentView }),
]);
export type DeploymentEvent = z.infer<typeof deploymentEvent>;

export const versionView = z.object({
  number: z.number().int(),
  build: z.string(),
  artifact: z.string(),
  tree: z.string(),
  toolchain: z.string().nullable(),
  /** Environments in which this version is live. */
  liveIn: z.array(environmentName),
  createdBy: z.string(),
  createdAt: timestamp,
});
export type VersionView = z.infer<typeof versionView>;

export const releaseView = z.object({
  number: z.number().int(),
  version: z.number().int(),
  live: z.boolean(),
  createdAt: timestamp,
});
export type ReleaseView = z.infer<typeof releaseView>;

const deploymentParams = z.object({ deployment: z.string() });

export const deploymentRoutes = defineRoutes({
  createDeployment: {
    method: "POST",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/deployments",
    access: "developer",
    scope: "app",
    tag: "deployments",
    summary: "Builds a source tree and makes it live; answers at once, the events tell the rest",
    params: environmentParams,
    body: z.object({
      tree: z.string().regex(/^[0-9a-f]{64}$/, "a tree is 64 hexadecimal digits"),
      /** The folder the source came from: the last resort for naming the app's crate-less sources. */
      folderName: z.string().max(255).optional(),
      /** The folder of the tree the command was run in, "" for its top: chooses among several apps. */
      folder: z.string().max(4096).default(""),
      /** The name of one of the manifest's apps, when there are several. */
      manifestApp: z.string().max(255).optional(),
      /** In place of the manifest's strategy, for this deployment. */
      strategy: deployStrategy.optional(),
      /** Milliseconds the upload took, for the timings. */
      uploadMs: z.number().min(0).default(0),
    }),
    response: deploymentView,
  },
  rollback: {
    method: "POST",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/rollback",
    access: "developer",
    scope: "app",
    tag: "deployments",
    summary:
      "Makes an earlier version live again without building; the one before the live one when none is named",
    params: environmentParams,
    body: z.object({
      version: z.number().int().positive().nullable().default(null),
      /** False: neither `deploy` nor `post_deploy` is run. */
      hooks: z.boolean().default(true),
    }),
    response: deploymentView,
  },
  redeploy: {
    method: "POST",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/redeploy",
    access: "developer",
    scope: "app",
    tag: "deployments",
    summary: "Fresh instances of the live version, then the post_deploy hook; nothing is built",
    params: environmentParams,
    body: z.object({ strategy: deployStrategy.optional() }),
    response: deploymentView,
  },
  listDeployments: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/deployments",
    access: "viewer",
    scope: "app",
    tag: "deployments",
    summary: "Deployments, newest first",
    params: environmentParams,
    query: z.object({ limit: limitQuery.default(50) }),
    response: z.object({ deployments: z.array(deploymentView) }),
  },
  getDeployment: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app/deployments/:deployment",
    access: "viewer",
    scope: "app",
    tag: "deployments",
    summary: "One deployment",
    params: appParams.extend(deploymentParams.shape),
    response: deploymentView,
  },
  watchDeployment: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app/deployments/:deployment/events",
    access: "viewer",
    scope: "app",
    tag: "deployments",
    summary: "Everything that happened in the deployment so far and from now on, until it has finished",
    params: appParams.extend(deploymentParams.shape),
    response: deploymentEvent,
    stream: true,
  },
  cancelDeployment: {
    method: "POST",
    path: "/v1/orgs/:org/apps/:app/deployments/:deployment/cancel",
    access: "developer",
    scope: "app",
    tag: "deployments",
    summary: "Cancels a deployment that has not switched yet; the previous version keeps serving",
    params: appParams.extend(deploymentParams.shape),
    response: done,
  },
  listVersions: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app/versions",
    access: "viewer",
    scope: "app",
    tag: "versions",
    summary: "Versions, newest first",
    params: appParams,
    query: z.object({ limit: limitQuery.default(50) }),
    response: z.object({ versions: z.array(versionView) }),
  },
  listReleases: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/releases",
    access: "viewer",
    scope: "app",
    tag: "versions",
    summary: "Releases of one environment, newest first",
    params: environmentParams,
    query: z.object({ limit: limitQuery.default(50) }),
    response: z.object({ releases: z.array(releaseView) }),
  },
});

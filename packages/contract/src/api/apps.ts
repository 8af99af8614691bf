import { z } from "zod";
import { manifestLimits } from "../manifest/defaults.js";
import { appName, environmentName, orgName, roleName } from "../names.js";
import { deploymentState, desiredState, instanceState } from "../states.js";
import { appParams, done, environmentParams, tcpAddress, timestamp } from "./common.js";
import { defineRoutes } from "./route.js";

const { min } = manifestLimits.replicas;
/** Null: as many as the manifest says. */
const replicaCount = z.number().int().min(min, `must be ${min} or more; \`bloom stop\` ends all`).nullable();

/**
 * `running` and `stopped` are wishes; `crashed` and `degraded` are what is seen: none serves, or some do; `empty` was
 * never deployed; `sleeping` runs nothing until the next request.
 */
export const environmentHealth = z.enum([
  "empty",
  "running",
  "starting",
  "degraded",
  "crashed",
  "stopped",
  "sleeping",
]);

export const environmentView = z.object({
  name: environmentName,
  /** Of a tcp app `tcp://HOST:PORT`; empty until its ports are known. */
  url: z.string(),
  /** Null for every shape but tcp. */
  tcp: z.array(tcpAddress).nullable(),
  desired: desiredState,
  health: environmentHealth,
  version: z.number().int().nullable(),
  release: z.number().int().nullable(),
  replicas: z.record(roleName, z.number().int()),
  instances: z.object({ ready: z.number().int(), wanted: z.number().int() }),
  /** Why fewer are ready than wanted, as far as it is known. */
  trouble: z.string().nullable(),
  lastDeployment: z
    .object({
      id: z.string(),
      state: deploymentState,
      createdAt: timestamp,
      finishedAt: timestamp.nullable(),
    })
    .nullable(),
});
export type EnvironmentView = z.infer<typeof environmentView>;

export const appView = z.object({
  org: orgName,
  app: appName,
  shape: z.string().nullable(),
  createdAt: timestamp,
  environments: z.array(environmentView),
});
export type AppView = z.infer<typeof appView>;

/** One worker of a prefork app; its host says so. */
export const workerView = z.object({
  /** From 1; whoever replaces it has the same. */
  id: z.number().int(),
  /** As the machine sees it; null while the place is empty, or when it is not known. */
  pid: z.number().int().nullable(),
  /** In uWSGI's words: `idle`, `busy`, `cheap`, `pause` … */
  state: z.string(),
  /** Whether it takes new connections. */
  accepting: z.boolean(),
  requests: z.number().int(),
  memoryBytes: z.number().int().nullable(),
  ageSeconds: z.number().int().nullable(),
  threads: z.array(
    z.object({ core: z.number().int(), state: z.enum(["idle", "busy"]), requests: z.number().int() }),
  ),
});
export type WorkerView = z.infer<typeof workerView>;

export const instanceView = z.object({
  id: z.string(),
  org: orgName,
  app: appName,
  environment: environmentName,
  version: z.number().int(),
  role: roleName,
  replica: z.number().int(),
  state: instanceState,
  /** The user's process as the host sees it. */
  pid: z.number().int().nullable(),
  restarts: z.number().int(),
  startedAt: timestamp.nullable(),
  memoryBytes: z.number().int().nullable(),
  connections: z.number().int(),
  address: z.string().nullable(),
  lastExit: z.string().nullable(),
  lastProbe: z.string().nullable(),
  /** Null for apps without workers, and where their host did not say in time. */
  workers: z.array(workerView).nullable().default(null),
});
export type InstanceView = z.infer<typeof instanceView>;

export const appRoutes = defineRoutes({
  listApps: {
    method: "GET",
    path: "/v1/apps",
    access: "viewer",
    scope: "platform",
    tag: "apps",
    summary: "The apps this token can see",
    query: z.object({ org: orgName.optional() }),
    response: z.object({ apps: z.array(appView) }),
  },
  createApp: {
    method: "POST",
    path: "/v1/orgs/:org/apps",
    access: "developer",
    scope: "org",
    tag: "apps",
    summary: "Makes an app; a deploy does it by itself",
    params: z.object({ org: orgName }),
    body: z.object({ name: appName }),
    response: appView,
  },
  getApp: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app",
    access: "viewer",
    scope: "app",
    tag: "apps",
    summary: "One app with its environments",
    params: appParams,
    response: appView,
  },
  deleteApp: {
    method: "DELETE",
    path: "/v1/orgs/:org/apps/:app",
    access: "admin",
    scope: "app",
    tag: "apps",
    summary: "Stops and removes an app with everything it has",
    params: appParams,
    response: done,
  },
  listInstances: {
    method: "GET",
    path: "/v1/instances",
    access: "viewer",
    scope: "platform",
    tag: "instances",
    summary: "Running instances",
    query: z.object({
      org: orgName.optional(),
      app: appName.optional(),
      environment: environmentName.optional(),
    }),
    response: z.object({
      instances: z.array(instanceView),
      /** Environments that cannot start: they may have no instance at all. */
      troubles: z.array(
        z.object({ org: orgName, app: appName, environment: environmentName, reason: z.string() }),
      ),
      /** Those of which nothing runs until somebody asks. */
      sleeping: z
        .array(
          z.object({ org: orgName, app: appName, environment: environmentName, version: z.number().int() }),
        )
        .default([]),
    }),
  },
  scaleEnvironment: {
    method: "PUT",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/scale",
    access: "developer",
    scope: "app",
    tag: "apps",
    summary: "Sets how many replicas of each role run; null is what the manifest says",
    params: environmentParams,
    body: z.object({ replicas: z.record(roleName, replicaCount) }),
    response: environmentView,
  },
  stopEnvironment: {
    method: "POST",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/stop",
    access: "developer",
    scope: "app",
    tag: "apps",
    summary: "Stops the environment until it is started again",
    params: environmentParams,
    response: environmentView,
  },
  sleepEnvironment: {
    method: "POST",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/sleep",
    access: "developer",
    scope: "app",
    tag: "apps",
    summary: "Ends what runs of an app, after what it has begun; the next request wakes it",
    params: environmentParams,
    response: environmentView,
  },
  startEnvironment: {
    method: "POST",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/start",
    access: "developer",
    scope: "app",
    tag: "apps",
    summary: "Starts the environment's live release",
    params: environmentParams,
    response: environmentView,
  },
  restartEnvironment: {
    method: "POST",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/restart",
    access: "developer",
    scope: "app",
    tag: "apps",
    summary: "Replaces the running instances by fresh ones, without a gap",
    params: environmentParams,
    response: environmentView,
  },
});

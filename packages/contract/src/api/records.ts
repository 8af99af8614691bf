import { z } from "zod";
import { appName, environmentName, orgName, roleName, variableName } from "../names.js";
import { buildState } from "../states.js";
import { appParams, environmentParams, errorDocument, limitQuery, timestamp } from "./common.js";
import { deploymentView } from "./deployments.js";
import { defineRoutes } from "./route.js";

/** One line of an app's output. `text` never ends in a line break. */
export const logLine = z.object({
  time: z.string(),
  app: z.string(),
  environment: environmentName,
  version: z.number().int(),
  instance: z.string(),
  role: roleName,
  /** `platform` lines are the shim's remarks: started, exited, ready. */
  stream: z.enum(["stdout", "stderr", "platform"]),
  text: z.string(),
  execution: z.string().nullable(),
});
export type LogLine = z.infer<typeof logLine>;

export const variableView = z.object({
  name: variableName,
  /** Null for sensitive ones: they can be written, never read. */
  value: z.string().nullable(),
  sensitive: z.boolean(),
  level: z.enum(["app", "environment", "manifest"]),
  updatedAt: timestamp.nullable(),
});
export type VariableView = z.infer<typeof variableView>;

export const activityView = z.object({
  id: z.string(),
  type: z.string(),
  state: buildState,
  actor: z.string(),
  description: z.string(),
  org: orgName.nullable(),
  app: appName.nullable(),
  environment: environmentName.nullable(),
  deployment: z.string().nullable(),
  error: errorDocument.nullable(),
  createdAt: timestamp,
  finishedAt: timestamp.nullable(),
});
export type ActivityView = z.infer<typeof activityView>;

export const recordRoutes = defineRoutes({
  readLogs: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/logs",
    access: "viewer",
    scope: "app",
    tag: "logs",
    summary: "The app's output, oldest first; with `follow`, also what comes",
    params: environmentParams,
    query: z.object({
      follow: z.stringbool().default(false),
      /** ISO time; lines before it are left out. */
      since: timestamp.optional(),
      version: z.coerce.number().int().positive().optional(),
      role: roleName.optional(),
      /** The last N lines before following; all when absent. */
      tail: z.coerce.number().int().min(0).max(100_000).optional(),
    }),
    response: logLine,
    stream: true,
  },
  listVariables: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/variables",
    access: "viewer",
    scope: "app",
    tag: "variables",
    summary: "The environment's variables; sensitive values are never shown",
    params: environmentParams,
    response: z.object({ variables: z.array(variableView) }),
  },
  changeVariables: {
    method: "PATCH",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/variables",
    access: "developer",
    scope: "app",
    tag: "variables",
    summary:
      "Sets and removes variables, leaving all others; then makes a release and replaces the instances",
    params: environmentParams,
    body: z.object({
      set: z.record(variableName, z.string().max(131_072)).default({}),
      unset: z.array(variableName).default([]),
      sensitive: z.boolean().default(false),
      /** False: the change waits for the next deployment. */
      apply: z.boolean().default(true),
    }),
    response: z.object({ variables: z.array(variableView), deployment: deploymentView.nullable() }),
  },
  listActivities: {
    method: "GET",
    path: "/v1/activities",
    access: "viewer",
    scope: "platform",
    tag: "activities",
    summary: "Who changed what, newest first",
    query: z.object({
      org: orgName.optional(),
      app: appName.optional(),
      environment: environmentName.optional(),
      limit: limitQuery.default(50),
    }),
    response: z.object({ activities: z.array(activityView) }),
  },
  getActivity: {
    method: "GET",
    path: "/v1/activities/:activity",
    access: "viewer",
    scope: "platform",
    tag: "activities",
    summary: "One activity",
    params: z.object({ activity: z.string() }),
    response: activityView,
  },
  readActivityLog: {
    method: "GET",
    path: "/v1/activities/:activity/log",
    access: "viewer",
    scope: "platform",
    tag: "activities",
    summary: "The build and deployment log an activity left",
    params: z.object({ activity: z.string() }),
    response: z.object({ time: z.string(), text: z.string() }),
    stream: true,
  },
  readBuildLog: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app/builds/:build/log",
    access: "viewer",
    scope: "app",
    tag: "builds",
    summary: "The whole log of one build",
    params: appParams.extend({ build: z.string() }),
    response: z.object({ time: z.string(), text: z.string() }),
    stream: true,
  },
});

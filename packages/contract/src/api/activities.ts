import { z } from "zod";
import { appName, environmentName, orgName } from "../names.js";
import { buildState } from "../states.js";
import { appParams, errorDocument, limitQuery, timestamp } from "./common.js";
import { defineRoutes } from "./route.js";

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

export const activityRoutes = defineRoutes({
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

import { z } from "zod";
import { appParams, orgParams } from "../api/common.js";
import { defineRoutes } from "../api/route.js";
import { appName } from "../names.js";
import { appMeta, appSettings, envPatch } from "./app.js";
import { codeRequestBytes, codeSource } from "./draft.js";
import { resourceTier } from "./enums.js";
import { int64Text } from "./json.js";
import { appPath as path, nextCursor, page, tag } from "./route-parts.js";

/** Functions themselves, and what runs of them. */
export const igniteAppRoutes = defineRoutes({
  igniteCreateApp: {
    method: "POST",
    path: "/v1/ignite/app/:org",
    access: "developer",
    scope: "org",
    tag,
    summary: "Makes an app; code comes with its draft",
    params: orgParams,
    body: appSettings.extend({ name: appName, env: envPatch.optional(), code: codeSource.optional() }),
    bodyBytes: codeRequestBytes,
    response: z.object({
      appId: z.string(),
      deploymentState: appMeta.shape.deploymentState,
      appliedTier: resourceTier,
      appliedLimits: z.object({ memoryMb: z.number(), cpuMillicores: z.number() }),
    }),
  },
  igniteListApps: {
    method: "GET",
    path: "/v1/ignite/app/:org",
    access: "viewer",
    scope: "org",
    tag,
    summary: "The organization's functions",
    params: orgParams,
    query: page,
    response: z.object({ apps: z.array(appMeta), nextCursor }),
  },
  igniteGetApp: {
    method: "GET",
    path,
    access: "viewer",
    scope: "app",
    tag,
    summary: "One function",
    params: appParams,
    response: appMeta,
  },
  igniteDeleteApp: {
    method: "DELETE",
    path,
    access: "admin",
    scope: "app",
    tag,
    summary: "Removes a function with everything it has",
    params: appParams,
    response: z.object({ appId: z.string() }),
  },
  igniteUpdateAppConfig: {
    method: "PATCH",
    path: `${path}/config`,
    access: "developer",
    scope: "app",
    tag,
    summary: "Changes what is named and leaves the rest; variables are merged",
    params: appParams,
    body: appSettings.extend({ env: envPatch.optional() }),
    response: appMeta,
  },
  igniteGetAppState: {
    method: "GET",
    path: `${path}/state`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "What runs of a function",
    params: appParams,
    response: z.object({
      deploymentState: appMeta.shape.deploymentState,
      activeVersion: z.number().int(),
      readyReplicas: z.number().int(),
      wantedReplicas: z.number().int(),
    }),
  },
  igniteListReplicas: {
    method: "GET",
    path: `${path}/replicas`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "Running instances of a function",
    params: appParams,
    response: z.object({
      replicas: z.array(
        z.object({
          replicaId: z.string(),
          version: z.number().int(),
          state: z.string(),
          startedAtMs: int64Text,
        }),
      ),
    }),
  },
  igniteHealth: {
    method: "GET",
    path: "/v1/ignite/health",
    access: "public",
    scope: "platform",
    tag,
    summary: "Whether the platform answers",
    response: z.object({ status: z.literal("SERVING") }),
  },
});

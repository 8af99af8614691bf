import { z } from "zod";
import { role } from "../states.js";
import { appName, orgName } from "../names.js";
import { done, orgParams, timestamp } from "./common.js";
import { defineRoutes } from "./route.js";

export const platformStatus = z.object({
  pid: z.number().int(),
  version: z.string(),
  startedAt: timestamp,
  home: z.string(),
  apiUrl: z.string(),
  httpAddress: z.string(),
  httpPort: z.number().int(),
  baseDomain: z.string(),
  nginx: z.object({ running: z.boolean(), pid: z.number().int().nullable(), version: z.string() }),
  sandbox: z.object({
    /** What isolates an instance on this machine, in words. */
    description: z.string(),
    root: z.boolean(),
    network: z.enum(["namespaces", "host"]),
    cgroups: z.enum(["v1", "v2", "none"]),
    /** What instances are not kept from on this machine and why, one sentence each; empty: nothing is missing. */
    missing: z.array(z.string()),
  }),
  store: z.enum(["sqlite", "postgres"]),
});
export type PlatformStatus = z.infer<typeof platformStatus>;

export const org = z.object({ id: z.string(), name: orgName, createdAt: timestamp });

export const token = z.object({
  id: z.string(),
  name: z.string(),
  role,
  /** Null: every organization. */
  org: orgName.nullable(),
  /** Null: every app of the organization. */
  app: appName.nullable(),
  createdAt: timestamp,
  lastUsedAt: timestamp.nullable(),
  expiresAt: timestamp.nullable(),
});
export type TokenView = z.infer<typeof token>;

export const platformRoutes = defineRoutes({
  getHealth: {
    method: "GET",
    path: "/v1/health",
    access: "public",
    scope: "platform",
    tag: "platform",
    summary: "Says that the daemon answers",
    response: z.object({ ok: z.literal(true), version: z.string() }),
  },
  getOpenApi: {
    method: "GET",
    path: "/v1/openapi.json",
    access: "public",
    scope: "platform",
    tag: "platform",
    summary: "This document",
    response: z.record(z.string(), z.unknown()),
  },
  getStatus: {
    method: "GET",
    path: "/v1/status",
    access: "viewer",
    scope: "platform",
    tag: "platform",
    summary: "The daemon, its nginx and its sandbox",
    response: platformStatus,
  },
  shutdown: {
    method: "POST",
    path: "/v1/shutdown",
    access: "admin",
    scope: "platform",
    tag: "platform",
    summary: "Ends the daemon; with `apps`, also every instance and nginx",
    body: z.object({ apps: z.boolean().default(true) }),
    response: done,
  },
  listOrgs: {
    method: "GET",
    path: "/v1/orgs",
    access: "viewer",
    scope: "platform",
    tag: "orgs",
    summary: "The organizations this token can see",
    response: z.object({ orgs: z.array(org) }),
  },
  createOrg: {
    method: "POST",
    path: "/v1/orgs",
    access: "admin",
    scope: "platform",
    tag: "orgs",
    summary: "Makes an organization",
    body: z.object({ name: orgName }),
    response: org,
  },
  deleteOrg: {
    method: "DELETE",
    path: "/v1/orgs/:org",
    access: "admin",
    scope: "platform",
    tag: "orgs",
    summary: "Removes an organization that has no apps",
    params: orgParams,
    response: done,
  },
  listTokens: {
    method: "GET",
    path: "/v1/tokens",
    access: "admin",
    scope: "platform",
    tag: "tokens",
    summary: "All tokens, without their secrets",
    response: z.object({ tokens: z.array(token) }),
  },
  createToken: {
    method: "POST",
    path: "/v1/tokens",
    access: "admin",
    scope: "platform",
    tag: "tokens",
    summary: "Makes a token; its secret is shown this once",
    body: z
      .object({
        name: z.string().min(1).max(80),
        role,
        org: orgName.nullable().default(null),
        app: appName.nullable().default(null),
        expiresInSeconds: z.number().int().positive().nullable().default(null),
      })
      .refine(
        (body) => body.app === null || body.org !== null,
        "a token limited to an app needs its organization",
      ),
    response: token.extend({ secret: z.string() }),
  },
  deleteToken: {
    method: "DELETE",
    path: "/v1/tokens/:token",
    access: "admin",
    scope: "platform",
    tag: "tokens",
    summary: "Makes a token worthless at once",
    params: z.object({ token: z.string() }),
    response: done,
  },
});

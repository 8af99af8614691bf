import { z } from "zod";
import { appParams } from "../api/common.js";
import { defineRoutes } from "../api/route.js";
import { int64Text } from "./json.js";
import { appPath as path, nextCursor, page, tag } from "./route-parts.js";

const logQuery = z.object({
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
  replicaId: z.string().max(64).optional(),
  executionId: z.string().max(64).optional(),
  /** Only lines with this text. */
  search: z.string().max(256).optional(),
});

export const logEntry = z.object({
  timestampMs: int64Text,
  replicaId: z.string(),
  /** What a handler says through its context is written out for reading. */
  text: z.string(),
  executionId: z.string().optional(),
});

export const appEvent = z.object({ timestampMs: int64Text, type: z.string(), message: z.string() });

/** What a function has said, and what happened to it. */
export const igniteLogRoutes = defineRoutes({
  igniteAppLogs: {
    method: "GET",
    path: `${path}/logs`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "The last lines of a function's output",
    params: appParams,
    query: logQuery,
    response: z.object({ lines: z.array(logEntry) }),
  },
  igniteStreamAppLogs: {
    method: "GET",
    path: `${path}/logs/stream`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "The same, and what comes",
    params: appParams,
    query: logQuery,
    response: logEntry,
    stream: true,
  },
  igniteAppEvents: {
    method: "GET",
    path: `${path}/events`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "What happened to a function: published, woken, put to sleep, crashed",
    params: appParams,
    query: page,
    response: z.object({ events: z.array(appEvent), nextCursor }),
  },
  igniteStreamAppEvents: {
    method: "GET",
    path: `${path}/events/stream`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "The last events of a function, oldest first, and what comes",
    params: appParams,
    query: z.object({ limit: page.shape.limit }),
    response: appEvent,
    stream: true,
  },
});

import { z } from "zod";
import { environmentName, roleName } from "../names.js";
import { environmentParams, timestamp } from "./common.js";
import { defineRoutes } from "./route.js";

/**
 * Where a line comes from: `app` the start command, `hooks` every hook, `access` nginx's record of requests, `error`
 * nginx's complaints about this app, `build` the builds made for this environment, those that failed among them.
 */
export const logType = z.enum(["app", "hooks", "access", "error", "build"]);
export type LogType = z.infer<typeof logType>;

/**
 * Within a type: `platform` lines are the shim's remarks (started, exited, ready), the names of hooks are their
 * output, `request` is one answered request.
 */
export const logStream = z.enum([
  "stdout",
  "stderr",
  "platform",
  "pre_start",
  "post_start",
  "deploy",
  "post_deploy",
  "request",
  "build",
]);
export type LogStream = z.infer<typeof logStream>;

/** One line of an app's logs. `text` never ends in a line break. */
export const logLine = z.object({
  time: z.string(),
  type: logType,
  stream: logStream,
  app: z.string(),
  environment: environmentName,
  /** Null where a line belongs to no version, instance or role: requests, nginx's complaints. */
  version: z.number().int().nullable(),
  instance: z.string().nullable(),
  role: roleName.nullable(),
  text: z.string(),
  /** Of lines that a function has written through its context, and of requests to it. */
  execution: z.string().nullable(),
});
export type LogLine = z.infer<typeof logLine>;

/** `app,hooks` as it stands in a query. */
const logTypes = z
  .string()
  .transform((text) => text.split(",").filter((word) => word !== ""))
  .pipe(z.array(logType).min(1));

export const logRoutes = defineRoutes({
  readLogs: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/logs",
    access: "viewer",
    scope: "app",
    tag: "logs",
    summary: "The app's logs, oldest first; with `follow`, also what comes",
    params: environmentParams,
    query: z.object({
      follow: z.stringbool().default(false),
      /** Types, separated by commas. */
      types: logTypes.default(["app", "hooks"]),
      /** Only this stream, such as `deploy`. */
      stream: logStream.optional(),
      /** ISO time; lines before it are left out. */
      since: timestamp.optional(),
      version: z.coerce.number().int().positive().optional(),
      role: roleName.optional(),
      /** What belongs to this execution of a function, and what its instance wrote while nothing else ran in it. */
      execution: z.string().max(64).optional(),
      /** The last N lines before following; all when absent. */
      tail: z.coerce.number().int().min(0).max(100_000).optional(),
    }),
    response: logLine,
    stream: true,
  },
});

import { z } from "zod";
import { mountSource } from "../manifest/mount.js";
import { environmentParams } from "./common.js";
import { defineRoutes } from "./route.js";

/** One mount as `bloom mount list` shows it. */
export const mountView = z.object({
  /** Below the app's folder, such as `uploads`. */
  path: z.string(),
  source: mountSource,
  sourcePath: z.string(),
  /** Bytes in files; null when it was not asked for. */
  usedBytes: z.number().int().nullable(),
  /** Bytes of the volume it lies on; null: as much as the machine's disk has. */
  volumeBytes: z.number().int().nullable(),
  persistent: z.boolean(),
});
export type MountView = z.infer<typeof mountView>;

/** How a request would be answered, decided without sending it. */
export const routeExplanation = z.object({
  url: z.string(),
  method: z.string(),
  /** The location whose prefix is the longest that covers the path. */
  location: z.object({ path: z.string(), root: z.string().nullable() }).nullable(),
  /** The first rule that matches, counted from 1 in the manifest's order. */
  rule: z.object({ number: z.number().int(), pattern: z.string() }).nullable(),
  /** The file that was looked for, relative to the app, and what is there. */
  file: z.object({ path: z.string(), found: z.enum(["file", "folder", "nothing"]) }).nullable(),
  outcome: z.enum(["static", "app", "rewrite", "forbidden", "missing", "stopped", "unknown_host"]),
  /** Null when the app decides. */
  status: z.number().int().nullable(),
  /** Where a rewrite leads, with its own explanation following as further steps. */
  rewrittenTo: z.string().nullable(),
  /** The steps in words, in order. */
  steps: z.array(z.string()),
});
export type RouteExplanation = z.infer<typeof routeExplanation>;

/** First line of an `exec` request's body; the lines after it are `execInput`s. */
export const execOrder = z.strictObject({
  command: z.array(z.string().max(131_072)).min(1).max(1000),
  env: z.record(z.string(), z.string()).default({}),
  /** Absent: any ready instance. */
  instance: z.string().optional(),
  tty: z
    .strictObject({ rows: z.number().int().min(1).max(10_000), cols: z.number().int().min(1).max(10_000) })
    .nullable()
    .default(null),
});
export type ExecOrder = z.infer<typeof execOrder>;

/** `stdin` is base64; an empty text ends standard input. */
export const execInput = z.union([
  z.strictObject({ stdin: z.base64() }),
  z.strictObject({ resize: z.strictObject({ rows: z.number().int(), cols: z.number().int() }) }),
  z.strictObject({ signal: z.string().regex(/^[A-Z0-9]{1,10}$/) }),
]);
export type ExecInput = z.infer<typeof execInput>;

/** `data` is base64; the stream ends after `exit`. A command ended by a signal has 128 + its number as code. */
export const execOutput = z.discriminatedUnion("type", [
  z.object({ type: z.literal("started"), instance: z.string() }),
  z.object({ type: z.literal("output"), stream: z.enum(["stdout", "stderr"]), data: z.base64() }),
  z.object({ type: z.literal("exit"), code: z.number().int(), signal: z.string().nullable() }),
]);
export type ExecOutput = z.infer<typeof execOutput>;

const mountQuery = z.object({ path: z.string().min(1).max(1024) });
const tar = "application/x-tar";

export const insideRoutes = defineRoutes({
  execInApp: {
    method: "POST",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/exec",
    access: "viewer",
    scope: "app",
    tag: "inside",
    summary:
      "Runs a command inside a running instance; body and answer are NDJSON and flow at the same time. The manifest's `access.ssh` says which role is needed",
    params: environmentParams,
    rawBody: "application/x-ndjson",
    response: execOutput,
    stream: true,
  },
  explainRoute: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/route",
    access: "viewer",
    scope: "app",
    tag: "inside",
    summary: "Which location and rule decide about a request, and what comes of it",
    params: environmentParams,
    query: z.object({
      url: z.string().min(1).max(16_384),
      method: z
        .string()
        .regex(/^[A-Z]{1,20}$/)
        .default("GET"),
    }),
    response: routeExplanation,
  },
  listMounts: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/mounts",
    access: "viewer",
    scope: "app",
    tag: "inside",
    summary: "The live version's mounts, with their sizes when asked for",
    params: environmentParams,
    query: z.object({ size: z.stringbool().default(false) }),
    response: z.object({ mounts: z.array(mountView) }),
  },
  uploadMount: {
    method: "PUT",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/mounts/content",
    access: "developer",
    scope: "app",
    tag: "inside",
    summary: "Unpacks a tar stream into a mount; files of the same name are replaced, others stay",
    params: environmentParams,
    query: mountQuery,
    rawBody: tar,
    response: z.object({ ok: z.literal(true) }),
  },
  downloadMount: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/mounts/content",
    access: "developer",
    scope: "app",
    tag: "inside",
    summary: "A mount's content as a tar stream",
    params: environmentParams,
    query: mountQuery,
    response: z.unknown(),
    rawResponse: tar,
  },
});

import { z } from "zod";
import { functionId } from "./app.js";
import { executionKindName, executionStatusName } from "./enums.js";
import { bytes, bytesText, count, int64Text } from "./json.js";

/** The request a function is to see. */
export const httpContext = z.strictObject({
  method: z
    .string()
    .regex(/^[A-Z]{1,20}$/, "must be a method in capital letters")
    .default("POST"),
  path: z.string().startsWith("/").max(8192).default("/"),
  query: z.string().max(8192).default(""),
  headers: z.record(z.string().max(200), z.string().max(8192)).default({}),
});

export const invokeRequest = z.strictObject({
  http: httpContext.default({ method: "POST", path: "/", query: "", headers: {} }),
  payload: bytes.default(Buffer.alloc(0)),
});
export type InvokeRequest = z.infer<typeof invokeRequest>;

export const invokeAsyncRequest = invokeRequest.extend({
  /** How often a failed execution is tried again; without a wish it runs at most once. */
  retries: count(10).default(0),
});

/** One frame of an answer: a head, chunks of the body, and a trailer, which comes always. */
export const invokeFrame = z.union([
  z.object({
    head: z.object({
      executionId: z.string(),
      version: z.number().int(),
      status: z.number().int(),
      headers: z.record(z.string(), z.string()),
    }),
  }),
  z.object({ chunk: z.object({ data: bytesText }) }),
  z.object({
    trailer: z.object({
      status: executionStatusName,
      error: z.string().optional(),
      bytes: int64Text,
      durationMs: z.number(),
    }),
  }),
]);
export type InvokeFrame = z.infer<typeof invokeFrame>;

/** The record of one invocation. Milliseconds may be fractions. */
export const executionView = z.object({
  executionId: z.string(),
  functionId,
  version: z.number().int(),
  status: executionStatusName,
  kind: executionKindName,
  /** The instance it ran in. */
  replicaId: z.string().optional(),
  httpStatus: z.number().int().optional(),
  /** The first one of its process. */
  cold: z.boolean(),
  attempt: z.number().int(),
  replayOf: z.string().optional(),
  createdAtMs: int64Text,
  /** 0 until it has ended. */
  finishedAtMs: int64Text,
  queueMs: z.number(),
  startMs: z.number(),
  runMs: z.number(),
  requestBytes: int64Text,
  responseBytes: int64Text,
  error: z.string().optional(),
  /** Only of one execution, where its answer is kept: the body's first bytes, and whether there were more. */
  output: bytesText.optional(),
  outputHeaders: z.record(z.string(), z.string()).optional(),
  outputTruncated: z.boolean().optional(),
});
export type ExecutionView = z.infer<typeof executionView>;

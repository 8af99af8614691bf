import { z } from "zod";
import { toolchainChannel } from "../manifest/scalars.js";
import { appName, orgName, variableName } from "../names.js";
import { autoMode, deploymentStateName, resourceTier, rustTarget, storageMode } from "./enums.js";
import { count, int64Text } from "./json.js";

/** `org/app`, as functions and answers spell it. */
export const functionId = z.string();

const seconds = count(86_400);
const replicas = count(64);
/** Requests in a replica at a time; 0: as many as come. */
const concurrency = count(10_000);

/** Text of a JSON Schema; whether it is one is checked where it is taken in. */
const schemaText = z.string().max(262_144);

/** What a draft is compiled with. */
export const runtimeSource = z.strictObject({
  rust: z.strictObject({
    target: rustTarget.default("RUST_COMPILATION_TARGET_NATIVE"),
    toolchainVersion: toolchainChannel.optional(),
  }),
});
export type RuntimeSource = z.infer<typeof runtimeSource>;

/** What may be said about an app besides its code. 0 means the default everywhere; what nobody knows is refused. */
export const appSettings = z.strictObject({
  description: z.string().max(4096).optional(),
  resourceTier: resourceTier.optional(),
  limits: z
    .strictObject({
      memoryMb: count(1_048_576),
      cpuMillicores: count(256_000),
      timeoutSecs: seconds,
    })
    .partial()
    .optional(),
  scaling: z
    .strictObject({
      minReplicas: replicas,
      maxReplicas: replicas,
      reserved: replicas,
      autoMode,
      maxConcurrency: concurrency,
      /** Requests that may wait for a place; beyond it the answer is 503. */
      queueLimit: count(100_000),
      idleSecs: seconds,
    })
    .partial()
    .optional(),
  /** The same as in `scaling`, where it counts less. */
  maxConcurrency: concurrency.optional(),
  storageMode: storageMode.optional(),
  ttlSecs: seconds.optional(),
  inputSchema: schemaText.optional(),
  outputSchema: schemaText.optional(),
  mcpEnabled: z.boolean().optional(),
  allowUnauthenticated: z.boolean().optional(),
  /** Whether payloads are kept, which a replay needs. */
  keepPayloads: z.boolean().optional(),
  /** What drafts are compiled with that say nothing of it themselves. */
  runtime: runtimeSource.optional(),
});
export type AppSettings = z.infer<typeof appSettings>;

/** Environment variables; null takes one away. */
export const envPatch = z.record(variableName, z.string().max(131_072).nullable());

/** An app as its owner sees it. */
export const appMeta = z.object({
  id: functionId,
  name: appName,
  organizationName: orgName,
  description: z.string(),
  runtime: z.string(),
  resourceTier,
  limits: z.object({ memoryMb: z.number(), cpuMillicores: z.number(), timeoutSecs: z.number() }),
  scaling: z.object({
    minReplicas: z.number(),
    maxReplicas: z.number(),
    reserved: z.number(),
    autoMode,
    maxConcurrency: z.number(),
    queueLimit: z.number(),
    idleSecs: z.number(),
  }),
  maxConcurrency: z.number(),
  storageMode,
  ttlSecs: int64Text,
  /** Names of the variables; values that are secret are never told. */
  env: z.record(z.string(), z.string().nullable()),
  deploymentState: deploymentStateName,
  /** 0 until the first publish. */
  activeVersion: z.number().int(),
  /** The version that all this is said of: the active one, if no other was asked for. */
  version: z.number().int(),
  inputSchema: z.string(),
  outputSchema: z.string(),
  mcpEnabled: z.boolean(),
  allowUnauthenticated: z.boolean(),
  keepPayloads: z.boolean(),
  url: z.string(),
  createdAtMs: int64Text,
});
export type AppMeta = z.infer<typeof appMeta>;

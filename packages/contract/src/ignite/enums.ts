import { z } from "zod";

/** Enumerations stand on the wire under their full names. */
export const resourceTier = z.enum([
  "RESOURCE_TIER_SMALL",
  "RESOURCE_TIER_MEDIUM",
  "RESOURCE_TIER_LARGE",
  "RESOURCE_TIER_XLARGE",
]);
export type ResourceTier = z.infer<typeof resourceTier>;

/** What a tier stands for where nothing else is said. */
export const tierLimits: Readonly<
  Record<ResourceTier, { readonly memoryMb: number; readonly cpuMillicores: number }>
> = {
  RESOURCE_TIER_SMALL: { memoryMb: 256, cpuMillicores: 250 },
  RESOURCE_TIER_MEDIUM: { memoryMb: 512, cpuMillicores: 500 },
  RESOURCE_TIER_LARGE: { memoryMb: 1024, cpuMillicores: 1000 },
  RESOURCE_TIER_XLARGE: { memoryMb: 2048, cpuMillicores: 2000 },
};

export const rustTarget = z.enum(["RUST_COMPILATION_TARGET_NATIVE", "RUST_COMPILATION_TARGET_WASM"]);
export type RustTarget = z.infer<typeof rustTarget>;

export const storageMode = z.enum(["PERSISTENT", "EPHEMERAL", "TTL"]);
export const autoMode = z.enum([
  "AUTO_MODE_DISABLED",
  "AUTO_MODE_ENABLED",
  "AUTO_MODE_TIER_ONLY",
  "AUTO_MODE_SCALE_ONLY",
]);
export const codeKind = z.enum(["CODE_KIND_SDK"]);

/** What is known of the app as a whole. */
export const deploymentStateName = z.enum([
  "DEPLOYMENT_STATE_CREATED",
  "DEPLOYMENT_STATE_DEPLOYING",
  "DEPLOYMENT_STATE_READY",
  "DEPLOYMENT_STATE_SLEEPING",
  "DEPLOYMENT_STATE_STOPPED",
  "DEPLOYMENT_STATE_FAILED",
]);

export const versionStatus = z.enum([
  "VERSION_STATUS_DRAFT",
  "VERSION_STATUS_ACTIVE",
  "VERSION_STATUS_SUPERSEDED",
]);

/** What the one draft of an app has come to. */
export const draftStatus = z.enum([
  "DRAFT_STATUS_NONE",
  "DRAFT_STATUS_SAVED",
  "DRAFT_STATUS_COMPILING",
  "DRAFT_STATUS_COMPILED",
  "DRAFT_STATUS_FAILED",
  "DRAFT_STATUS_PUBLISHED",
]);
export type DraftStatus = z.infer<typeof draftStatus>;

export const executionStatusName = z.enum([
  "EXECUTION_STATUS_QUEUED",
  "EXECUTION_STATUS_RUNNING",
  "EXECUTION_STATUS_SUCCEEDED",
  "EXECUTION_STATUS_FAILED",
  "EXECUTION_STATUS_TIMED_OUT",
  "EXECUTION_STATUS_CANCELLED",
]);
export type ExecutionStatusName = z.infer<typeof executionStatusName>;

/** By which way it came. */
export const executionKindName = z.enum([
  "EXECUTION_KIND_DIRECT",
  "EXECUTION_KIND_INVOKE",
  "EXECUTION_KIND_ASYNC",
  "EXECUTION_KIND_TEST",
  "EXECUTION_KIND_REPLAY",
  "EXECUTION_KIND_MCP",
]);
export type ExecutionKindName = z.infer<typeof executionKindName>;

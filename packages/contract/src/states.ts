import { z } from "zod";

/** A build, and an activity. */
export const buildState = z.enum(["pending", "running", "succeeded", "failed", "cancelled"]);
export type BuildState = z.infer<typeof buildState>;

/** One attempt to make a release live. */
export const deploymentState = z.enum([
  "pending",
  "building",
  "starting",
  "switching",
  "live",
  "failed",
  "superseded",
]);
export type DeploymentState = z.infer<typeof deploymentState>;

export const deploymentKind = z.enum([
  "deploy",
  "rollback",
  "variables",
  "redeploy",
  "restart",
  "start",
  "scale",
]);
export type DeploymentKind = z.infer<typeof deploymentKind>;

/** One running process tree. */
export const instanceState = z.enum(["starting", "ready", "draining", "sleeping", "stopped", "crashed"]);
export type InstanceState = z.infer<typeof instanceState>;

/** One invocation of a function. */
export const executionState = z.enum(["queued", "running", "succeeded", "failed", "timed_out", "cancelled"]);
export type ExecutionState = z.infer<typeof executionState>;

/** By which way an invocation came: the function's own address, the API, its queue, a trial of a draft or version, again. */
export const executionKind = z.enum(["direct", "invoke", "async", "test", "replay", "mcp"]);
export type ExecutionKind = z.infer<typeof executionKind>;

/** What an environment's owner wants it to be. */
export const desiredState = z.enum(["running", "stopped"]);
export type DesiredState = z.infer<typeof desiredState>;

/** What a token may do; each includes the ones before it. */
export const role = z.enum(["viewer", "developer", "admin"]);
export type Role = z.infer<typeof role>;

/** True when `held` includes everything `needed` allows. */
export function isRoleEnough(held: Role, needed: Role): boolean {
  return role.options.indexOf(held) >= role.options.indexOf(needed);
}

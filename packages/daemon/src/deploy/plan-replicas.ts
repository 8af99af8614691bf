import type { AppConfig } from "@bloomery/contract";
import { replicaLimit } from "./edge.js";

/** How many instances of each role an environment has. */
export type Replicas = Readonly<Record<string, number>>;

export interface ReplicaPlan {
  /** Those that run also when nobody asks. */
  readonly least: Replicas;
  /** Those that a deployment starts, so that a release which does not start never takes the place of one that does. */
  readonly first: Replicas;
  /** Those there are names for: so many may run. */
  readonly most: Replicas;
}

/**
 * What the manifest asks for, or what the owner has set since. A function has what its requests need: between the two
 * numbers it was given, and none at all when both allow it. Another app that may sleep has all its replicas, or the
 * least number.
 */
export function planReplicas(own: Replicas, config: AppConfig): ReplicaPlan {
  if (config.function === null) {
    // An older daemon took any number; beyond the limit a name is another environment's.
    const wanted = { web: Math.min(replicaLimit, own["web"] ?? config.replicas) };
    const least = Math.min(wanted.web, config.sleep?.minReplicas ?? wanted.web);
    return { least: { web: least }, first: wanted, most: wanted };
  }
  const most = Math.max(1, Math.min(replicaLimit, config.function.maxReplicas));
  const least = Math.min(most, config.function.minReplicas);
  return { least: { web: least }, first: { web: Math.max(1, least) }, most: { web: most } };
}

/** Those that shall run beside the `running` ones: of an app that is awake, all. */
export function planPresent({ least, most }: ReplicaPlan, config: AppConfig, running: number): Replicas {
  return config.function === null && running > (least["web"] ?? 0) ? most : least;
}

/** How many stable names an environment has. */
export function countNames(own: Replicas, config: AppConfig): number {
  return Math.min(replicaLimit, planReplicas(own, config).most["web"] ?? 1);
}

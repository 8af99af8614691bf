import type { EnvironmentView } from "@bloomery/contract";

export interface HealthFacts {
  readonly hasRelease: boolean;
  readonly isStopped: boolean;
  /** Nothing runs until somebody comes. */
  readonly isAtRest: boolean;
  readonly ready: number;
  readonly wanted: number;
  /** One of its instances does not stay up. */
  readonly hasCrashed: boolean;
  /** What is needed and not there could not be started. */
  readonly hasFailed: boolean;
}

/** How an environment is, in one word. */
export function describeHealth(facts: HealthFacts): EnvironmentView["health"] {
  if (!facts.hasRelease) return "empty";
  if (facts.isStopped) return "stopped";
  if (facts.hasCrashed || facts.hasFailed) return facts.ready > 0 ? "degraded" : "crashed";
  if (facts.isAtRest) return "sleeping";
  return facts.ready >= facts.wanted ? "running" : "starting";
}

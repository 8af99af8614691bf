import type { LocationBehaviour, LocationConfig, RuleConfig } from "@bloomery/contract";

/** What a location, or one of its rules, says about a request. */
export interface Behaviour extends LocationBehaviour {
  /** The rule's expression, whose captures an address may hold; null without a rule. */
  readonly pattern: string | null;
}

/** A rule's keys lie over the location's; its headers replace all of the location's. */
export function behaviourOf(location: LocationConfig, rule: RuleConfig | null): Behaviour {
  return {
    passthru: rule?.passthru ?? location.passthru,
    allow: rule?.allow ?? location.allow,
    expiresSeconds: rule?.expiresSeconds ?? location.expiresSeconds,
    headers: rule?.headers ?? location.headers,
    pattern: rule?.pattern ?? null,
  };
}

import { toBloomError } from "@bloomery/contract";
import type { Instance } from "../../run/engines/engine.js";

/** Environments that serve with fewer instances than they need, because no further one could be started. */
export interface Shortfalls {
  /** Takes in what comes of a start beside instances that run. */
  follow(environmentId: string, ready: Promise<unknown>): void;
  /** Null: the last start did not fail, or another release is live since. */
  failureOf(environmentId: string): string | null;
  failing(): readonly string[];
}

interface Shortfall {
  readonly releaseId: string;
  readonly reason: string;
}

export function createShortfalls(live: (environmentId: string) => readonly Instance[]): Shortfalls {
  const known = new Map<string, Shortfall>();
  const releaseOf = (environmentId: string): string | undefined => live(environmentId)[0]?.releaseId;
  const failureOf = (environmentId: string): string | null => {
    const shortfall = known.get(environmentId);
    if (shortfall === undefined || shortfall.releaseId === releaseOf(environmentId))
      return shortfall?.reason ?? null;
    known.delete(environmentId);
    return null;
  };
  return {
    follow(environmentId, ready) {
      ready.then(
        () => known.delete(environmentId),
        (error: unknown) => {
          const releaseId = releaseOf(environmentId);
          // Where nothing runs, whoever asked has been told why.
          if (releaseId === undefined) return;
          known.set(environmentId, {
            releaseId,
            reason: `no further replica could be started: ${toBloomError(error).message}`,
          });
        },
      );
    },
    failureOf,
    failing: () => [...known.keys()].filter((id) => failureOf(id) !== null),
  };
}

import { BloomError } from "@bloomery/contract";
import { formatDuration } from "../run/describe-exit.js";
import type { LockHolder } from "../store/locks.js";
import type { Store } from "../store/open-store.js";
import { formatPlace, namesOf, type Place } from "./places.js";

export interface LockParts {
  readonly store: Store;
  /** This run of the daemon: locks of other runs are stale. */
  readonly boot: string;
}

/** Who takes the lock, and what for, in words for whoever finds it taken. */
export type NewHolder = Pick<LockHolder, "actor" | "what" | "deployment">;

/** What the store calls an environment's lock. */
export function lockNameOf(environmentId: string): string {
  return `environment:${environmentId}`;
}

/**
 * Takes the environment's lock: everything that changes what runs in it holds it. Answers with the function that
 * gives it back. ERR_DEPLOY_LOCKED says who holds it.
 */
export async function lockEnvironment(
  { store, boot }: LockParts,
  place: Place,
  holder: NewHolder,
): Promise<() => Promise<void>> {
  const name = lockNameOf(place.environment.id);
  const taken = await store.locks.acquire(name, holder, boot);
  if (!taken.ok) throw locked(place, taken.holder);
  return async () => {
    await store.locks.release(name, boot);
  };
}

/** Runs `work` with the environment's lock. */
export async function withEnvironmentLock<T>(
  parts: LockParts,
  place: Place,
  holder: NewHolder,
  work: () => Promise<T>,
): Promise<T> {
  const unlock = await lockEnvironment(parts, place, holder);
  try {
    return await work();
  } finally {
    await unlock();
  }
}

/** Says whose lock it is and since when. */
function locked(place: Place, holder: LockHolder): BloomError {
  const since = formatDuration(Math.max(0, Date.now() - Date.parse(holder.since)));
  return new BloomError(
    "ERR_DEPLOY_LOCKED",
    `${formatPlace(namesOf(place))} is locked by a ${holder.what} that ${holder.actor} began ${since} ago`,
    { details: { ...holder } },
  );
}

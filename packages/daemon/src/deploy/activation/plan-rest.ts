/** One running instance, as far as its rest is concerned. */
export interface RestingInstance {
  readonly id: string;
  readonly replica: number;
  /** Somebody is connected, or has come since it was looked at before. */
  readonly isActive: boolean;
  /** Milliseconds: when it was seen active last, or at all for the first time. */
  readonly activeAt: number;
}

export interface Rest {
  /** Instances that shall end. */
  readonly end: readonly string[];
  /** All replicas are needed again. */
  readonly fill: boolean;
  /** Milliseconds until looking again is worth it; null: when somebody starts something. */
  readonly lookAgainMs: number | null;
}

/** Between looks: seldom enough to cost nothing, often enough that idle times are kept. */
const shortestLookMs = 250;
const longestLookMs = 10_000;

export function planLook(idleMs: number): number {
  return Math.min(longestLookMs, Math.max(shortestLookMs, idleMs / 10));
}

/**
 * An app has either all its replicas or its least number: the rest of them end together when nobody has come to any for
 * the idle time, and come back together when somebody comes to one that was kept. Requests are spread over all of them,
 * so none is idle for long when another is not.
 */
export function planRest(facts: {
  readonly now: number;
  readonly idleMs: number;
  readonly least: number;
  readonly wanted: number;
  readonly instances: readonly RestingInstance[];
}): Rest {
  const { now, idleMs, least, wanted, instances } = facts;
  const isActive = instances.some((one) => one.isActive);
  const idleAt = Math.max(...instances.map((one) => (one.isActive ? now : one.activeAt))) + idleMs;
  const sorted = instances.toSorted((a, b) => a.replica - b.replica);
  const end = now < idleAt ? [] : sorted.slice(least).map((one) => one.id);
  const left = instances.length - end.length;
  const isSettled = left === 0 || least >= wanted;
  return {
    end,
    fill: isActive && instances.length < wanted,
    lookAgainMs: isSettled ? null : planLook(idleMs),
  };
}

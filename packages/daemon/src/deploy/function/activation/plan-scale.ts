/** One running instance, as far as its scale is concerned. Times in milliseconds of one clock. */
export interface ScaledInstance {
  readonly id: string;
  readonly replica: number;
  readonly connections: number;
  /** Its last sign of work, or its start. */
  readonly activeAt: number;
}

/** How many executions one instance takes; 0: any number. */
interface Capacity {
  readonly concurrency: number;
}

/** Which places shall get an instance because requests wait; the lowest free ones. */
export function planStarts(
  facts: Capacity & {
    readonly most: number;
    /** Places that are filled, or are being filled. */
    readonly taken: ReadonlySet<number>;
    /** Executions under way and requests that wait, of all instances. */
    readonly running: number;
    readonly waiting: number;
  },
): readonly number[] {
  if (facts.waiting === 0) return [];
  const load = facts.running + facts.waiting;
  // With no stated capacity waiting is all that is known: one more, and see.
  const wanted = facts.concurrency === 0 ? facts.taken.size + 1 : Math.ceil(load / facts.concurrency);
  const missing = Math.min(wanted, facts.most) - facts.taken.size;
  const free = Array.from({ length: facts.most }, (_, place) => place).filter(
    (place) => !facts.taken.has(place),
  );
  return free.slice(0, Math.max(0, missing));
}

export interface GiveBack {
  /** Instances that shall end. */
  readonly end: readonly string[];
  /** Milliseconds until looking again is worth it; null: when somebody starts something. */
  readonly lookAgainMs: number | null;
}

/** Between looks: seldom enough to cost nothing, often enough to see how busy several instances are. */
const shortestLookMs = 250;
const longestLookMs = 10_000;

/**
 * Which instances have nothing to do any more. All of them but the least number when none has worked for the idle time;
 * before that the surplus, when nobody has waited for so long and fewer would have done.
 */
export function planGiveBack(
  facts: Capacity & {
    readonly now: number;
    readonly least: number;
    readonly idleMs: number;
    readonly instances: readonly ScaledInstance[];
    /** When a request waited last, or the number of instances was changed. */
    readonly strainedAt: number;
    /** Most connections at once that were seen since then. */
    readonly peak: number;
  },
): GiveBack {
  const { now, idleMs, instances } = facts;
  if (instances.length <= facts.least) return { end: [], lookAgainMs: null };
  const idleAt = Math.max(...instances.map((one) => (one.connections > 0 ? now : one.activeAt))) + idleMs;
  const keep = now >= idleAt ? facts.least : planBusy(facts);
  const end = instances
    .toSorted((a, b) => a.replica - b.replica)
    .slice(keep)
    .map((one) => one.id);
  const left = instances.length - end.length;
  if (left <= facts.least) return { end, lookAgainMs: null };
  const pause = left > 1 ? idleMs / 10 : idleAt - now;
  return { end, lookAgainMs: Math.min(longestLookMs, Math.max(shortestLookMs, pause)) };
}

/** How many are needed while there is work. */
function planBusy(facts: Parameters<typeof planGiveBack>[0]): number {
  const { instances, concurrency } = facts;
  const isStrained = facts.now < facts.strainedAt + facts.idleMs;
  if (isStrained || concurrency === 0) return instances.length;
  return Math.max(1, facts.least, Math.ceil(facts.peak / concurrency));
}

/** Work that is done again whenever there may be more of it, never twice at a time. */
export interface Rounds {
  /**
   * A round begins after a moment, so that what comes in quick succession is done together, and not before the work
   * has rested for a multiple of what the last round took.
   */
  soon(): void;
  /** A round that begins after this call, as soon as none is under way, has ended. Rejects with what went wrong in it. */
  now(): Promise<void>;
  /** A round is under way, or the next must wait for longer than a moment. */
  isBusy(): boolean;
  /** Waits for the round under way; none begins any more. */
  close(): Promise<void>;
}

/** Time as rounds need it; a test has its own. */
export interface RoundsClock {
  readonly now: () => number;
  /** Calls back after so many milliseconds; returns what prevents it. */
  readonly after: (ms: number, call: () => void) => () => void;
}

/** A round of ten milliseconds is followed by a rest of so many times ten. */
const restPerWork = 15;

const realClock: RoundsClock = {
  now: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms).unref();
    return () => clearTimeout(timer);
  },
};

export function createRounds(
  round: () => Promise<void>,
  options: {
    readonly waitMs: number;
    /** No rest is longer. */
    readonly longestMs: number;
    /** A failed round is tried again after this. */
    readonly retryMs: number;
    readonly onError: (error: unknown) => void;
    readonly clock?: RoundsClock;
  },
): Rounds {
  const { waitMs, longestMs, clock = realClock } = options;
  let cancel: (() => void) | null = null;
  let under: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  let isUnder = false;
  /** Asked for while a round was under way, which may not have seen why. */
  let isWanted = false;
  let rest = { since: -Infinity, ms: 0 };
  let closed = false;

  const dueIn = (): number => Math.max(waitMs, rest.since + rest.ms - clock.now());
  const schedule = (ms: number): void => {
    if (cancel !== null || closed) return;
    cancel = clock.after(ms, () => {
      cancel = null;
      run().catch(() => undefined);
    });
  };
  const unschedule = (): void => {
    cancel?.();
    cancel = null;
  };

  const begin = async (): Promise<void> => {
    // Whatever was asked for until now is done in this one.
    unschedule();
    isWanted = false;
    isUnder = true;
    const since = clock.now();
    try {
      await round();
    } catch (error) {
      options.onError(error);
      schedule(options.retryMs);
      throw error;
    } finally {
      isUnder = false;
      const end = clock.now();
      rest = { since: end, ms: Math.min(longestMs, restPerWork * (end - since)) };
      if (isWanted) schedule(dueIn());
    }
  };

  /** Whoever asks while one waits for its turn gets that one. */
  const run = (): Promise<void> => {
    if (closed) return under;
    next ??= (async () => {
      await under.catch(() => undefined);
      next = null;
      under = begin();
      await under;
    })();
    return next;
  };

  return {
    soon() {
      if (isUnder) isWanted = true;
      else schedule(dueIn());
    },
    now: run,
    isBusy: () => isUnder || dueIn() > waitMs,
    async close() {
      closed = true;
      unschedule();
      await next?.catch(() => undefined);
      await under.catch(() => undefined);
    },
  };
}

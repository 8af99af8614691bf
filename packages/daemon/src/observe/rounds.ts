/** Work that is done again whenever there may be more of it, never twice at a time. */
export interface Rounds {
  /** A round begins after a moment, so that what comes in quick succession is done together. */
  soon(): void;
  /** A round that begins after this call has ended. Rejects with what went wrong in it. */
  now(): Promise<void>;
  /** Waits for the round under way; none begins any more. */
  close(): Promise<void>;
}

export function createRounds(
  round: () => Promise<void>,
  options: {
    readonly waitMs: number;
    /** A failed round is tried again after this. */
    readonly retryMs: number;
    readonly onError: (error: unknown) => void;
  },
): Rounds {
  let timer: NodeJS.Timeout | null = null;
  let under: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  let closed = false;

  const schedule = (ms: number): void => {
    if (timer !== null || closed) return;
    timer = setTimeout(() => {
      timer = null;
      run().catch(() => undefined);
    }, ms);
    timer.unref();
  };

  /** Whoever asks while one waits for its turn gets that one. */
  const run = (): Promise<void> => {
    if (closed) return under;
    next ??= (async () => {
      await under.catch(() => undefined);
      const mine = round();
      under = mine;
      next = null;
      try {
        await mine;
      } catch (error) {
        options.onError(error);
        schedule(options.retryMs);
        throw error;
      }
    })();
    return next;
  };

  return {
    soon: () => schedule(options.waitMs),
    now: run,
    async close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      await next?.catch(() => undefined);
      await under.catch(() => undefined);
    },
  };
}

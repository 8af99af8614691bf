/** Looks at things from time to time, each in its own rhythm. */
export interface Looks {
  /** It is looked at from now on, the first time after so long. Nothing changes for one that is watched already. */
  begin(name: string, pauseMs: number): void;
  has(name: string): boolean;
  /** Looks after so long at the latest; nothing for one that is not watched, or is being looked at. */
  hurry(name: string, pauseMs: number): void;
  close(): Promise<void>;
}

/** Node's timers know no longer pause. */
const longestTimer = 2 ** 31 - 1;
const troublePauseMs = 1000;

/** What nobody looks at costs nothing. */
export function createLooks(parts: {
  /** Milliseconds until the next look; null: there is nothing more to see. */
  readonly look: (name: string) => Promise<number | null>;
  readonly onTrouble: (error: unknown, name: string) => void;
}): Looks {
  /** When each is due; never: it is being looked at. */
  const watched = new Map<string, number>();
  const looking = new Set<Promise<void>>();
  const never = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const plan = (): void => {
    clearTimeout(timer);
    if (isClosed || watched.size === 0) return;
    const dueAt = Math.min(...watched.values());
    if (dueAt === never) return;
    timer = setTimeout(lookAround, Math.min(longestTimer, Math.max(0, dueAt - Date.now())));
    timer.unref();
  };

  const lookAt = async (name: string): Promise<void> => {
    try {
      const pauseMs = await parts.look(name);
      if (pauseMs === null) watched.delete(name);
      else watched.set(name, Date.now() + pauseMs);
    } catch (error) {
      parts.onTrouble(error, name);
      watched.set(name, Date.now() + troublePauseMs);
    }
  };

  const lookAround = (): void => {
    const now = Date.now();
    for (const [name, dueAt] of watched) {
      if (dueAt > now) continue;
      watched.set(name, never);
      const work = lookAt(name).finally(() => {
        looking.delete(work);
        plan();
      });
      looking.add(work);
    }
    plan();
  };

  return {
    begin(name, pauseMs) {
      if (watched.has(name)) return;
      watched.set(name, Date.now() + pauseMs);
      plan();
    },
    has: (name) => watched.has(name),
    hurry(name, pauseMs) {
      const before = watched.get(name);
      const dueAt = Date.now() + pauseMs;
      if (before === undefined || before === never || before <= dueAt) return;
      watched.set(name, dueAt);
      plan();
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await Promise.allSettled(looking);
    },
  };
}

import { toBloomError, type BloomError } from "@bloomery/contract";
import type { Instance } from "../../run/engines/engine.js";

/** Starts at most one instance of a sleeping environment, however many ask. */
export interface Wakes {
  /**
   * Who serves the environment, started when nobody does. Aborting ends the waiting, never the start. Of one that is
   * started, `onStands` tells a little before it is ready.
   */
  wake(environmentId: string, signal: AbortSignal, onStands?: (instance: Instance) => void): Promise<Woken>;
  isStarting(environmentId: string): boolean;
  /** Waits for a start that is under way, if there is one. */
  settle(environmentId: string): Promise<void>;
  /** Why the last start failed; null when it did not. */
  failureOf(environmentId: string): string | null;
  failing(): readonly string[];
  /** What happened since makes the failure a thing of the past. */
  forget(environmentId: string): void;
}

export interface Woken {
  readonly instance: Instance;
  readonly isFresh: boolean;
}

/**
 * A start: of what `stands` the socket is there, `ready` answers requests already, `placed` fulfils when everybody finds
 * it by its name.
 */
export interface Start {
  /** Never rejects. */
  readonly stands: Promise<Instance>;
  readonly ready: Promise<Instance>;
  readonly placed: Promise<unknown>;
}

interface Failure {
  readonly error: BloomError;
  readonly pauseMs: number;
  readonly until: number;
}

const firstPauseMs = 500;
const longestPauseMs = 30_000;

export function createWakes(parts: {
  readonly live: (environmentId: string) => readonly Instance[];
  readonly start: (environmentId: string) => Start;
}): Wakes {
  const starts = new Map<string, Start>();
  const failures = new Map<string, Failure>();

  const begin = (environmentId: string): Start => {
    const start = parts.start(environmentId);
    starts.set(environmentId, start);
    const before = failures.get(environmentId);
    start.ready.then(
      () => failures.delete(environmentId),
      (error: unknown) => failures.set(environmentId, planFailure(error, before)),
    );
    const end = (): void => void starts.delete(environmentId);
    Promise.allSettled([start.ready, start.placed]).then(end, end);
    return start;
  };

  return {
    async wake(environmentId, signal, onStands) {
      signal.throwIfAborted();
      const running = starts.get(environmentId);
      const [instance] = running === undefined ? parts.live(environmentId) : [];
      if (instance !== undefined) return { instance, isFresh: false };
      const failure = failures.get(environmentId);
      // A storm of requests must not become a storm of starts.
      if (running === undefined && failure !== undefined && performance.now() < failure.until)
        throw failure.error;
      const { stands, ready } = running ?? begin(environmentId);
      if (onStands !== undefined) void stands.then(onStands);
      return { instance: await orAbort(ready, signal), isFresh: true };
    },
    isStarting: (environmentId) => starts.has(environmentId),
    async settle(environmentId) {
      const start = starts.get(environmentId);
      if (start !== undefined) await Promise.allSettled([start.ready, start.placed]);
    },
    failureOf: (environmentId) => failures.get(environmentId)?.error.message ?? null,
    failing: () => [...failures.keys()],
    forget: (environmentId) => void failures.delete(environmentId),
  };
}

function planFailure(error: unknown, before: Failure | undefined): Failure {
  const pauseMs = before === undefined ? firstPauseMs : Math.min(longestPauseMs, before.pauseMs * 2);
  return { error: toBloomError(error), pauseMs, until: performance.now() + pauseMs };
}

/** The promise's outcome, or the signal's reason when that comes first. */
function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

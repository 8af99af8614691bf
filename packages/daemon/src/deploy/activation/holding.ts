import { BloomError } from "@bloomery/contract";
import type { Hold } from "../hold/open-hold.js";

/** Deployments during which nothing of an environment may be started: whoever asks waits for their end. */
export interface Holding {
  open(environmentId: string, limitMs: number): Hold & { readonly over: Promise<void> };
  has(environmentId: string): boolean;
  /** Throws ERR_HOLD_EXCEEDED after the hold's limit, and the signal's reason when that comes first. */
  wait(environmentId: string, signal: AbortSignal): Promise<void>;
}

/** A hold for environments whose requests are taken in anyhow when nobody serves them. */
export function createHolding(): Holding {
  const holds = new Map<
    string,
    { readonly over: Promise<void>; readonly limitMs: number; waiting: number; readonly end: () => void }
  >();

  return {
    open(environmentId, limitMs) {
      let end: () => void = () => undefined;
      const over = new Promise<void>((resolve) => (end = resolve));
      const hold = { over, limitMs, waiting: 0, end };
      holds.set(environmentId, hold);
      // Whether there is somebody now or not, who waits finds out: what is live is started when nobody serves.
      const release = async (): Promise<void> => {
        if (holds.get(environmentId) === hold) holds.delete(environmentId);
        end();
      };
      return {
        get waiting() {
          return hold.waiting;
        },
        over,
        release,
        refuse: release,
      };
    },
    has: (environmentId) => holds.has(environmentId),
    async wait(environmentId, signal) {
      const hold = holds.get(environmentId);
      if (hold === undefined) return;
      hold.waiting++;
      try {
        await orLate(hold.over, hold.limitMs, signal);
      } finally {
        hold.waiting--;
      }
    },
  };
}

function orLate(over: Promise<void>, limitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      act();
    };
    const abort = (): void => settle(() => reject(signal.reason as Error));
    const timer = setTimeout(() => settle(() => reject(exceeded())), limitMs);
    signal.addEventListener("abort", abort, { once: true });
    void over.then(() => settle(resolve));
  });
}

function exceeded(): BloomError {
  return new BloomError("ERR_HOLD_EXCEEDED", "the deployment under way takes longer than requests may wait");
}

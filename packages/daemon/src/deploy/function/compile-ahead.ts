import type { AheadResult } from "../../build/function/make-ahead.js";

export interface Ahead {
  /** Ends it, whatever it is doing. */
  close(): Promise<void>;
}

/**
 * Tries until what functions share is there: it makes way for builds that need its place, and goes on when nobody
 * builds. A failure is not repeated, because a build that needs it would do it anyway.
 */
export function startAhead(parts: {
  readonly make: (signal: AbortSignal) => Promise<AheadResult>;
  /** Resolves when no build runs or waits. */
  readonly idle: () => Promise<void>;
  readonly log: { info(fields: object, text: string): void };
}): Ahead {
  const closing = new AbortController();
  const { signal } = closing;
  const closed = new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
  const work = async (): Promise<void> => {
    const began = Date.now();
    for (let result: AheadResult = "gave-way"; result === "gave-way";) {
      await Promise.race([parts.idle(), closed]);
      if (signal.aborted) return;
      result = await parts.make(signal);
      if (result === "made") parts.log.info({ ms: Date.now() - began }, "what functions share is compiled");
    }
  };
  const done = work().catch((err: unknown) => {
    if (!signal.aborted) parts.log.info({ err }, "what functions share could not be compiled ahead");
  });
  return {
    async close() {
      closing.abort();
      await done;
    },
  };
}

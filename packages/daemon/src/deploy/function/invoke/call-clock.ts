/** Says when a function has had more time than it may take. */
export interface Clock {
  readonly signal: AbortSignal;
  /** Starts it, or starts it anew. */
  start(): void;
  stop(): void;
}

/** `timeoutMs` 0: never. */
export function createClock(timeoutMs: number, graceMs: number): Clock {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: abort.signal,
    start() {
      clearTimeout(timer);
      if (timeoutMs > 0) timer = setTimeout(() => abort.abort(), timeoutMs + graceMs);
    },
    stop: () => clearTimeout(timer),
  };
}

const firstMs = 10 * 60_000;
const everyMs = 24 * 60 * 60_000;

/**
 * Clears away what nobody needs any more: a while after the start, then once a day. A failure is a warning, and the
 * next day tries again. Returns what ends it; a round under way is waited for.
 */
export function collectDaily(parts: {
  readonly collect: () => Promise<object>;
  readonly log: { info(fields: object, text: string): void; warn(fields: object, text: string): void };
  readonly times?: { readonly firstMs: number; readonly everyMs: number };
}): { close(): Promise<void> } {
  const { times = { firstMs, everyMs } } = parts;
  let under: Promise<void> = Promise.resolve();
  const round = (): void => {
    under = parts.collect().then(
      (report) => parts.log.info({ ...report }, "cleared away what nobody needs"),
      (error: unknown) => parts.log.warn({ err: error }, "clearing away failed, tomorrow is another day"),
    );
    void under.then(() => again(times.everyMs));
  };
  const again = (ms: number): void => {
    if (timer === null) return;
    timer = setTimeout(round, ms);
    timer.unref();
  };
  let timer: NodeJS.Timeout | null = setTimeout(round, times.firstMs);
  timer.unref();
  return {
    async close() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      await under;
    },
  };
}

/** One line of a compile, with when it was said. */
export interface CompileLine {
  readonly at: number;
  readonly text: string;
}

/** What compiles that are under way have said; those that have ended are read from their builds' logs. */
export interface CompileLogs {
  open(build: string): CompileLog;
  /** All lines so far, then the coming ones, until the compile has ended or the signal aborts; undefined when none runs. */
  follow(build: string, signal: AbortSignal): AsyncGenerator<CompileLine> | undefined;
}

export interface CompileLog {
  write(text: string): void;
  close(): void;
}

interface Running {
  lines: CompileLine[];
  /** Lines that were dropped from the front. */
  dropped: number;
  readonly wakeups: Set<() => void>;
  isClosed: boolean;
}

/** The build's own log keeps everything; whoever joins a chatty compile late sees its last lines. */
const keptLines = 10_000;

export function createCompileLogs(now: () => number = Date.now): CompileLogs {
  const running = new Map<string, Running>();
  return {
    open(build) {
      const entry: Running = { lines: [], dropped: 0, wakeups: new Set(), isClosed: false };
      running.set(build, entry);
      const wake = (): void => {
        for (const wakeup of entry.wakeups) wakeup();
        entry.wakeups.clear();
      };
      return {
        write(text) {
          entry.lines.push({ at: now(), text });
          if (entry.lines.length > keptLines * 1.5) {
            entry.dropped += entry.lines.length - keptLines;
            entry.lines = entry.lines.slice(-keptLines);
          }
          wake();
        },
        close() {
          entry.isClosed = true;
          running.delete(build);
          wake();
        },
      };
    },

    follow(build, signal) {
      const entry = running.get(build);
      return entry === undefined ? undefined : followRunning(entry, signal);
    },
  };
}

async function* followRunning(entry: Running, signal: AbortSignal): AsyncGenerator<CompileLine> {
  for (let next = 0; ;) {
    next = Math.max(next, entry.dropped);
    const line = entry.lines[next - entry.dropped];
    if (line !== undefined) {
      next++;
      yield line;
      continue;
    }
    if (entry.isClosed || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        signal.removeEventListener("abort", done);
        resolve();
      };
      entry.wakeups.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

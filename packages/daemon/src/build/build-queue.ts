import { BloomError } from "@bloomery/contract";

export type QueuedState = "pending" | "running" | "succeeded" | "failed" | "cancelled";

export interface QueuedJob {
  readonly id: string;
  /** Jobs of the same app never run at the same time. */
  readonly appId: string;
}

/** A job entered a state. `ahead`: how many jobs wait before it, while it is pending. */
export interface QueueEvent<Job> {
  readonly job: Job;
  readonly state: QueuedState;
  readonly ahead: number;
  readonly error?: unknown;
}

export interface BuildQueue<Job extends QueuedJob, Result> {
  /**
   * Runs the job in its turn. Rejects with what the work threw, or with ERR_BUILD_CANCELLED when `signal`
   * aborts while it waits; a running job is told through the signal its work was given.
   */
  submit(job: Job, signal: AbortSignal): Promise<Result>;
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
  /** Cancels all jobs and waits until none runs. */
  close(): Promise<void>;
}

interface Waiting<Job, Result> {
  readonly job: Job;
  readonly signal: AbortSignal;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** First come, first served; at most `parallel` jobs at once, and one per app. */
export function createBuildQueue<Job extends QueuedJob, Result>(options: {
  readonly parallel: number;
  readonly work: (job: Job, signal: AbortSignal) => Promise<Result>;
  readonly onEvent?: (event: QueueEvent<Job>) => void;
}): BuildQueue<Job, Result> {
  const closing = new AbortController();
  const running = new Map<string, Promise<void>>();
  let waiting: Waiting<Job, Result>[] = [];
  let idlers: (() => void)[] = [];

  const tell = (job: Job, state: QueuedState, extra: { ahead?: number; error?: unknown } = {}): void => {
    options.onEvent?.({ job, state, ahead: 0, ...extra });
  };

  const startNext = (): void => {
    while (running.size < options.parallel) {
      const next = waiting.find((entry) => !running.has(entry.job.appId));
      if (next === undefined) return;
      waiting = waiting.filter((entry) => entry !== next);
      running.set(next.job.appId, run(next));
      waiting.forEach((entry, ahead) => tell(entry.job, "pending", { ahead: ahead + 1 }));
    }
  };

  const tellIdle = (): void => {
    if (running.size + waiting.length > 0) return;
    for (const resolve of idlers) resolve();
    idlers = [];
  };

  const run = async (entry: Waiting<Job, Result>): Promise<void> => {
    // Work that throws before its first await must find itself listed as running.
    await Promise.resolve();
    tell(entry.job, "running");
    try {
      const result = await options.work(entry.job, entry.signal);
      tell(entry.job, "succeeded");
      entry.resolve(result);
    } catch (error) {
      tell(entry.job, entry.signal.aborted ? "cancelled" : "failed", { error });
      entry.reject(error);
    } finally {
      running.delete(entry.job.appId);
      startNext();
      tellIdle();
    }
  };

  return {
    submit(job, outer) {
      const signal = AbortSignal.any([outer, closing.signal]);
      return new Promise<Result>((resolve, reject) => {
        const entry = { job, signal, resolve, reject };
        const leave = (): void => {
          if (!waiting.includes(entry)) return;
          waiting = waiting.filter((one) => one !== entry);
          const error = new BloomError("ERR_BUILD_CANCELLED", "the build was cancelled while it waited");
          tell(job, "cancelled", { error });
          reject(error);
          tellIdle();
        };
        tell(job, "pending", {
          ahead: waiting.length + (running.size < options.parallel ? 0 : running.size),
        });
        waiting.push(entry);
        if (signal.aborted) leave();
        signal.addEventListener("abort", leave, { once: true });
        startNext();
      });
    },

    idle() {
      return new Promise((resolve) => {
        idlers.push(resolve);
        tellIdle();
      });
    },

    async close() {
      closing.abort();
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}

import { setTimeout as delay } from "node:timers/promises";
import { BloomError } from "@bloomery/contract";
import type { Store } from "../../../store/open-store.js";
import type { ExecutionEnd, QueuedExecution } from "../../../store/execution-queue.js";
import { placeOfEnvironment, type Place } from "../../places.js";
import type { ExecutionEvents } from "../execution-events.js";
import type { InvokeTarget } from "../ports.js";
import type { CallTarget } from "./call-target.js";
import type { Calls } from "./calls.js";
import { targetOf } from "./find-target.js";
import { judgeLeft } from "./judge-left.js";
import { keepAnswer } from "./kept-answer.js";
import type { InvocationFiles, KeptAnswer } from "./invocation-files.js";
import type { Waiting } from "./queue-lanes.js";

export interface QueueParts {
  readonly store: Store;
  readonly files: InvocationFiles;
  readonly calls: Pick<Calls, "run">;
  readonly findTarget: (target: InvokeTarget) => Promise<CallTarget>;
  readonly events: Pick<ExecutionEvents, "changed">;
  readonly log: { info(fields: object, text: string): void; warn(fields: object, text: string): void };
  /** Waits until everything is taken in that instances had written before now. */
  readonly caughtUp: () => Promise<void>;
  /** Executions of all functions at a time. */
  readonly total?: number;
  /** The pause before the first retry; each next one is twice as long. */
  readonly retryMs?: number;
  /** The pause before the database is asked again after it has failed. */
  readonly storePauseMs?: number;
}

/** Runs what the queue has chosen. */
export interface QueueRun {
  /** Never rejects. */
  run(waiting: Waiting): Promise<void>;
  /** Waits for its end; false when it does not run. */
  cancel(execution: string, why: BloomError): Promise<boolean>;
  /** What becomes of one that ran when an earlier daemon ended: it has ended, too, or waits again. */
  judgeLeft(execution: string): Promise<void>;
  findPlace(environmentId: string): Promise<Place>;
  close(): Promise<void>;
}

/** Nothing that a further attempt could mend. */
const lasting = new Set([
  "ERR_NOT_FOUND",
  "ERR_INVALID_ARGUMENT",
  "ERR_NOTHING_DEPLOYED",
  "ERR_SECRETS_LOST",
]);
export const longestPauseMs = 60_000;
const defaultStorePauseMs = 2000;
const daemonEnded = "the daemon ended while it ran";

interface Active {
  readonly abort: AbortController;
  readonly over: Promise<void>;
}

export function createQueueRun(
  parts: QueueParts,
  lanes: { readonly again: (waiting: Waiting, pauseMs: number) => void },
): QueueRun {
  const { store, files, events, retryMs = 1000, storePauseMs = defaultStorePauseMs } = parts;
  const queue = store.executionQueue;
  const active = new Map<string, Active>();
  let closing = false;

  const findPlace = async (environmentId: string): Promise<Place> => {
    const place = await placeOfEnvironment(store, environmentId);
    if (place === undefined) throw new BloomError("ERR_NOT_FOUND", "its app does not exist any more");
    return place;
  };

  interface Attempt {
    readonly end: ExecutionEnd;
    readonly answer: KeptAnswer | undefined;
    readonly isLasting: boolean;
    readonly keepsPayload: boolean;
  }

  const attempt = async (row: QueuedExecution, signal: AbortSignal): Promise<Attempt> => {
    const keeper = keepAnswer();
    let end: ExecutionEnd | undefined;
    let keepsPayload = false;
    try {
      signal.throwIfAborted();
      const place = await findPlace(row.environmentId);
      const kept = await files.readRequest(row.request ?? row.id);
      if (kept === undefined) throw new BloomError("ERR_NOT_FOUND", "its payload is not there any more");
      const target = await targetOf(store, place, kept.version);
      keepsPayload = (await parts.findTarget(target)).config.keepPayloads;
      const options = {
        kind: row.kind,
        execution: row.id,
        signal,
        ended: (told: ExecutionEnd) => (end = told),
      };
      for await (const frame of parts.calls.run(target, kept.request, options)) keeper.take(frame);
      if (end === undefined) throw new Error("its end was not told");
      return { end, answer: keeper.answer, isLasting: false, keepsPayload };
    } catch (error) {
      const isLasting = error instanceof BloomError && lasting.has(error.code);
      const message = error instanceof Error ? error.message : String(error);
      const state = signal.aborted ? ("cancelled" as const) : ("failed" as const);
      return { end: end ?? unrun(row, state, message), answer: keeper.answer, isLasting, keepsPayload };
    }
  };

  /** How an attempt has ended is known only here, until it is written down. */
  const insist = async (write: () => Promise<unknown>): Promise<void> => {
    for (;;) {
      try {
        await write();
        return;
      } catch (err) {
        if (closing) throw err;
        parts.log.warn({ err }, "the end of an execution could not be written down, it is tried again");
        await delay(storePauseMs);
      }
    }
  };

  const finish = async (row: QueuedExecution, { end, answer, keepsPayload }: Attempt): Promise<void> => {
    // Before the row says that it has ended: whoever reads that finds the answer.
    if (answer !== undefined) {
      await files
        .writeAnswer(row.id, answer)
        .catch((err: unknown) => parts.log.warn({ err, execution: row.id }, "an answer could not be kept"));
    }
    await insist(() => queue.finish(row.id, end));
    if (!keepsPayload) await files.removeRequest(row.request ?? row.id);
  };

  /** Null: it is not its fault, and is tried again without a pause. */
  const requeue = async (row: QueuedExecution, error: string | null): Promise<number> => {
    const pauseMs = error === null ? 0 : Math.min(longestPauseMs, retryMs * 2 ** (row.attempt - 1));
    const dueAt = error === null ? null : new Date(Date.now() + pauseMs);
    await insist(() => queue.requeue(row.id, error ?? daemonEnded, dueAt));
    return pauseMs;
  };

  const tryAgain = async (row: QueuedExecution, error: string | null): Promise<void> => {
    const pauseMs = await requeue(row, error);
    if (closing) return;
    lanes.again({ execution: row.id, environmentId: row.environmentId, since: performance.now() }, pauseMs);
  };

  const runOne = async (waiting: Waiting, signal: AbortSignal): Promise<void> => {
    const { execution, since } = waiting;
    const row = await queue.claim(execution, Math.round((performance.now() - since) * 1000));
    // Its app was deleted, and it with it.
    if (row === undefined) return files.removeRequest(execution);
    events.changed(execution);
    const done = await attempt(row, signal);
    const isLeft = row.attempt < row.attempts;
    const hasFailed = done.end.state === "failed" || done.end.state === "timed_out";
    if (closing && done.end.state === "cancelled") {
      if (isLeft) await tryAgain(row, null);
      else await finish(row, { ...done, end: { ...done.end, state: "failed", error: daemonEnded } });
    } else if (hasFailed && isLeft && !done.isLasting && !signal.aborted) {
      await tryAgain(row, done.end.error ?? "it failed");
    } else {
      await finish(row, done);
    }
    events.changed(execution);
  };

  return {
    findPlace,
    async run(waiting) {
      const abort = new AbortController();
      const work = runOne(waiting, abort.signal).catch((err: unknown) => {
        parts.log.warn({ err, execution: waiting.execution }, "an execution could not be run or ended");
        return unstick(waiting);
      });
      active.set(waiting.execution, { abort, over: work });
      await work;
      active.delete(waiting.execution);
    },
    async cancel(execution, why) {
      const found = active.get(execution);
      if (found === undefined) return false;
      found.abort.abort(why);
      await found.over;
      return true;
    },
    async judgeLeft(execution) {
      const row = await queue.get(execution);
      const verdict = row === undefined ? undefined : judgeLeft(row);
      if (row === undefined || verdict === undefined) return;
      if (verdict.kind === "again") {
        await tryAgain(row, verdict.error);
      } else {
        await queue.close(row.id, verdict.state, verdict.error);
      }
      events.changed(execution);
    },
    async close() {
      closing = true;
      const why = new BloomError("ERR_INTERRUPTED", daemonEnded);
      for (const { abort } of active.values()) abort.abort(why);
      await Promise.all([...active.values()].map(({ over }) => over));
    },
  };

  /** The store failed before it could begin: it waits on. */
  async function unstick(waiting: Waiting): Promise<void> {
    const row = await queue.get(waiting.execution).catch(() => undefined);
    const hasRun = row !== undefined && row.state !== "queued";
    if (!hasRun && !closing) lanes.again(waiting, storePauseMs);
  }
}

function unrun(row: QueuedExecution, state: "failed" | "cancelled", error: string): ExecutionEnd {
  const nothing = { instanceId: null, httpStatus: null, cold: false, startUs: 0, runUs: 0, responseBytes: 0 };
  return { ...nothing, state, error, version: row.version };
}

import { BloomError } from "@bloomery/contract";
import type { Invoker } from "../ports.js";
import type { QueuedExecution } from "../../../store/execution-queue.js";
import type { Place } from "../../places.js";
import { createCalls } from "./calls.js";
import { openEndedBook } from "./ended-book.js";
import { findTarget, type TargetParts } from "./find-target.js";
import {
  openInvocationFiles,
  type FileOptions,
  type InvocationFiles,
  type KeptAnswer,
} from "./invocation-files.js";
import { openAsyncQueue, type AsyncQueue } from "./queue.js";
import type { QueueParts } from "./run-queued.js";
import { openTrials, sweepTrials, type TrialParts } from "./trials.js";

/** Everything that calls functions. */
export interface Invocations extends Pick<AsyncQueue, "enqueue"> {
  readonly invoker: Invoker;
  /** The environment of a call that is under way and has no row yet. */
  findRunning(execution: string): { readonly environmentId: string } | undefined;
  /** Takes it out of the queue, or ends it. Throws ERR_EXECUTION_ENDED. */
  cancel(execution: string, environmentId: string, who: string): Promise<void>;
  /** Queues it again, for this version or the live one. Throws ERR_PAYLOAD_NOT_KEPT. */
  replay(place: Place, row: QueuedExecution, version: number | null): Promise<string>;
  /** What is kept of the answer of an execution nobody waited for. */
  readAnswer(execution: string): Promise<KeptAnswer | undefined>;
  /** Writes down which calls have ended. */
  flush(): Promise<void>;
  /** Removes payloads and answers whose executions are forgotten. */
  sweep(): Promise<{ readonly invocationFiles: number }>;
  /** Takes up what an earlier daemon has left; goes on in the background. */
  recover(): void;
  close(): Promise<void>;
}

export interface InvocationParts
  extends
    Omit<TargetParts, "trials">,
    Omit<TrialParts, "log">,
    Pick<FileOptions, "freshMs">,
    Pick<QueueParts, "caughtUp" | "events" | "log" | "total" | "retryMs" | "storePauseMs"> {
  /** Ids of everything that has a folder of an instance. */
  readonly listInstances: () => Promise<readonly string[]>;
  /** For payloads and answers. */
  readonly folder: string;
}

export async function openInvocations(parts: InvocationParts): Promise<Invocations> {
  const { store, events, log } = parts;
  const files: InvocationFiles = await openInvocationFiles(parts.folder, {
    ...parts,
    // SQLite is set up to lose its own last moments in a power cut, PostgreSQL is not.
    syncs: store.kind === "postgres",
  });
  const trials = openTrials(parts);
  const book = openEndedBook({ queue: store.executionQueue, written: events.changed, log });
  const find: QueueParts["findTarget"] = (target) => findTarget({ ...parts, trials }, target);
  const calls = createCalls({ findTarget: find, book, files, log });
  const queue = await openAsyncQueue({ ...parts, files, calls, findTarget: find });
  let recovering: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;

  return {
    invoker: { invoke: calls.invoke },
    findRunning: calls.find,
    enqueue: queue.enqueue,
    async cancel(execution, environmentId, who) {
      const why = new BloomError("ERR_INTERRUPTED", `cancelled by ${who}`);
      if (await queue.cancel(execution, environmentId, why)) return;
      const call = calls.find(execution);
      if (call === undefined) {
        throw new BloomError(
          "ERR_EXECUTION_ENDED",
          `${execution} neither waits nor runs in the platform's hands`,
          {
            hint: "It has ended, or came over the function's own address, where its caller can leave.",
          },
        );
      }
      await call.cancel(why);
      await book.flush();
    },
    async replay(place, row, version) {
      const kept = row.request === null ? undefined : await files.readRequest(row.request);
      if (kept === undefined) throw notKept(row);
      const { request } = kept;
      return queue.enqueue({ place, kind: "replay", request, version, retries: 0, replayOf: row.id });
    },
    readAnswer: (execution) => files.readAnswer(execution),
    flush: book.flush,
    sweep: async () => ({ invocationFiles: await files.sweep(store.executionQueue.listKnown) }),
    recover() {
      const warn = (what: string) => (err: unknown) => log.warn({ err }, what);
      const swept = parts.listInstances().then((ids) => sweepTrials(ids, parts.instanceDir));
      const taken = queue.recover().catch(warn("executions of an earlier daemon could not be taken up"));
      recovering = Promise.all([taken, swept.catch(warn("trials of an earlier daemon could not be swept"))]);
    },
    close: () =>
      (closing ??= (async () => {
        await queue.close();
        await calls.close();
        await trials.close();
        await book.close();
        await recovering;
      })()),
  };
}

function notKept({ id, kind }: QueuedExecution): BloomError {
  if (kind !== "direct") return new BloomError("ERR_PAYLOAD_NOT_KEPT", `the payload of ${id} was not kept`);
  return new BloomError(
    "ERR_PAYLOAD_NOT_KEPT",
    `${id} came over the function's own address, where payloads are never kept`,
    { hint: "Only calls through the API can be replayed, where `[function] keep_payloads = true` holds." },
  );
}

import { setTimeout as delay } from "node:timers/promises";
import { BloomError, newId, type ExecutionKind, type FunctionConfig, type ignite } from "@bloomery/contract";
import { formatPlace, namesOf, type Place } from "../../places.js";
import { assertFits } from "./calls.js";
import { targetOf } from "./find-target.js";
import { createLanes } from "./queue-lanes.js";
import { createQueueRun, longestPauseMs, type QueueParts } from "./run-queued.js";

/** Calls nobody waits for. What has been answered with an id survives the daemon. */
export interface AsyncQueue {
  /** Throws ERR_LIMIT_REACHED when too many wait, and everything that keeps a call from being made. */
  enqueue(wish: QueueWish): Promise<string>;
  /** False when it neither waits nor runs. */
  cancel(execution: string, environmentId: string, why: BloomError): Promise<boolean>;
  /** Takes up what an earlier daemon has left. Resolves when all of it is judged. */
  recover(): Promise<void>;
  /** Gives up what runs; it goes on with the next daemon where its retries allow. */
  close(): Promise<void>;
}

export interface QueueWish {
  readonly place: Place;
  readonly kind: ExecutionKind;
  readonly request: ignite.InvokeRequest;
  /** Null: whatever version is live when it runs. */
  readonly version: number | null;
  /** How often it is tried again when it has failed. */
  readonly retries: number;
  readonly replayOf?: string;
}

const defaultTotal = 32;

export async function openAsyncQueue(parts: QueueParts): Promise<AsyncQueue> {
  const { store, files, events, total = defaultTotal } = parts;
  // Now, when all of them are of an earlier daemon.
  let found = await store.executionQueue.listUnfinished();
  const arriving = new Map<string, number>();
  const run = createQueueRun(parts, {
    again: (waiting, pauseMs) => lanes.addLater(waiting, pauseMs),
  });
  const lanes = createLanes(total, run.run);

  /** Holds a place while the request is being stored. */
  const reserve = (place: Place, { queueLimit }: FunctionConfig): (() => void) => {
    const { id } = place.environment;
    const count = arriving.get(id) ?? 0;
    if (queueLimit > 0 && lanes.count(id) + count >= queueLimit) {
      const message = `${queueLimit} executions of ${formatPlace(namesOf(place))} wait already`;
      throw new BloomError("ERR_LIMIT_REACHED", message, {
        hint: "Try again in a moment, or raise `queue_limit` of the function.",
        details: { retryAfterSeconds: 1 },
      });
    }
    arriving.set(id, count + 1);
    return () => {
      const left = (arriving.get(id) ?? 1) - 1;
      if (left === 0) arriving.delete(id);
      else arriving.set(id, left);
    };
  };
  const atATime = ({ concurrency }: FunctionConfig): number => (concurrency === 0 ? total : concurrency);

  const closeCancelled = async (execution: string, why: BloomError): Promise<void> => {
    await store.executionQueue.close(execution, "cancelled", why.message);
    await files.removeRequest(execution);
    events.changed(execution);
  };

  return {
    async enqueue({ place, kind, request, version, retries, replayOf }) {
      const target = await parts.findTarget(await targetOf(store, place, version));
      assertFits(request, target.config);
      const release = reserve(place, target.config);
      const execution = newId("execution");
      const environmentId = place.environment.id;
      try {
        // The file first: a row without one could not run.
        await files.writeRequest(execution, { request, version });
        await store.executionQueue.enqueue({
          ...{ id: execution, environmentId, kind, version: target.version, attempts: retries + 1 },
          ...{ request: execution, requestBytes: request.payload.length },
          ...(replayOf === undefined ? {} : { replayOf }),
        });
      } catch (error) {
        await files.removeRequest(execution);
        throw error;
      } finally {
        release();
      }
      lanes.setLimit(environmentId, atATime(target.config));
      lanes.add({ execution, environmentId, since: performance.now() });
      return execution;
    },

    async cancel(execution, environmentId, why) {
      if (lanes.remove({ execution, environmentId })) {
        await closeCancelled(execution, why);
        return true;
      }
      if (!(await run.cancel(execution, why))) return false;
      // It may have failed at this very moment, and be about to be tried again.
      if (lanes.remove({ execution, environmentId })) await closeCancelled(execution, why);
      return true;
    },

    async recover() {
      const rows = found;
      found = [];
      const limits = new Map<string, number>();
      for (const { environmentId } of rows) {
        if (!limits.has(environmentId)) limits.set(environmentId, await findLimit(environmentId));
      }
      for (const [environmentId, limit] of limits) lanes.setLimit(environmentId, limit);
      const waits = rows.filter((row) => row.state === "queued");
      for (const { id, environmentId, createdAt, dueAt } of waits) {
        const since = performance.now() - Math.max(0, Date.now() - Date.parse(createdAt));
        const waiting = { execution: id, environmentId, since };
        // No longer than any pause, should the clock have been set back.
        const pauseMs = dueAt === null ? 0 : Math.min(longestPauseMs, Date.parse(dueAt) - Date.now());
        if (pauseMs > 0) lanes.addLater(waiting, pauseMs);
        else lanes.add(waiting);
      }
      if (rows.length > 0) {
        parts.log.info(
          { waiting: waits.length, ran: rows.length - waits.length },
          "executions taken up again",
        );
      }
      const ran = rows.filter((row) => row.state === "running");
      if (ran.length === 0) return;
      await parts.caughtUp();
      for (const { id } of ran) await run.judgeLeft(id);
    },

    async close() {
      lanes.close();
      await Promise.race([run.close(), delay(5000, undefined, { ref: false })]);
    },
  };

  async function findLimit(environmentId: string): Promise<number> {
    try {
      const place = await run.findPlace(environmentId);
      return atATime((await parts.findTarget({ kind: "live", place })).config);
    } catch {
      return 1;
    }
  }
}

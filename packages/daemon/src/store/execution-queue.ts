import type { ExecutionKind, ExecutionState } from "@bloomery/contract";
import type { Selectable, Updateable } from "kysely";
import { now, toFlag } from "./rows.js";
import type { Database, Db } from "./schema.js";
import { insertOf } from "./store-errors.js";

/** An execution as whoever runs it needs to know it. */
export interface QueuedExecution {
  readonly id: string;
  readonly environmentId: string;
  readonly kind: ExecutionKind;
  readonly state: ExecutionState;
  /** 0: a draft. */
  readonly version: number;
  readonly httpStatus: number | null;
  /** 0 until it runs for the first time. */
  readonly attempt: number;
  readonly attempts: number;
  readonly error: string | null;
  readonly request: string | null;
  readonly replayOf: string | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  /** Waits at least until then. */
  readonly dueAt: string | null;
}

export interface NewQueuedExecution {
  readonly id: string;
  readonly environmentId: string;
  readonly kind: ExecutionKind;
  readonly version: number;
  /** How often it may run at most. */
  readonly attempts: number;
  readonly request: string;
  readonly requestBytes: number;
  readonly replayOf?: string | null;
}

/** How an execution ended. Microseconds and bytes. */
export interface ExecutionEnd {
  readonly state: ExecutionState;
  readonly version: number;
  readonly instanceId: string | null;
  readonly httpStatus: number | null;
  readonly cold: boolean;
  readonly startUs: number;
  readonly runUs: number;
  readonly responseBytes: number;
  readonly error: string | null;
}

/** One that ran without a row and is written down now that it has ended. */
export interface EndedExecution extends ExecutionEnd {
  readonly id: string;
  readonly environmentId: string;
  readonly kind: ExecutionKind;
  readonly requestBytes: number;
  readonly request: string | null;
  readonly createdAt: string;
  readonly finishedAt: string;
}

export type ExecutionQueue = ReturnType<typeof createExecutionQueue>;

/** Kinds that have a row before they run. */
const queuedKinds: readonly ExecutionKind[] = ["async", "replay"];

/**
 * The queue of executions, and the end of those the platform has called itself. Numbers that the function's own
 * record tells as well are taken from there; how an execution of these kinds ended is said here.
 */
export function createExecutionQueue(db: Db) {
  async function get(id: string): Promise<QueuedExecution | undefined> {
    const row = await db.selectFrom("executions").selectAll().where("id", "=", id).executeTakeFirst();
    return row && toQueued(row);
  }

  async function change(id: string, set: Updateable<Database["executions"]>): Promise<boolean> {
    const result = await db.updateTable("executions").set(set).where("id", "=", id).executeTakeFirst();
    return result.numUpdatedRows > 0n;
  }

  return Object.freeze({
    /** Throws ERR_ALREADY_EXISTS, or ERR_NOT_FOUND when the environment does not exist. */
    async enqueue({ replayOf = null, ...fields }: NewQueuedExecution): Promise<void> {
      const zero = { cold: 0, queueUs: 0, startUs: 0, runUs: 0, responseBytes: 0 } as const;
      const row = { ...zero, ...fields, replayOf, state: "queued" as const, attempt: 0, createdAt: now() };
      await insertOf(`the execution ${row.id}`, () => db.insertInto("executions").values(row).execute());
    },

    get,

    /** From now on it runs, once more; undefined when it does not exist any more. */
    async claim(id: string, queueUs: number): Promise<QueuedExecution | undefined> {
      const row = await db
        .updateTable("executions")
        .set((is) => ({
          ...{ state: "running" as const, attempt: is("attempt", "+", 1), queueUs },
          // What an earlier attempt left.
          ...{ httpStatus: null, error: null, runUs: 0, responseBytes: 0, finishedAt: null, dueAt: null },
        }))
        .where("id", "=", id)
        .returningAll()
        .executeTakeFirst();
      return row && toQueued(row);
    },

    /** Back into the queue after an attempt that failed, with what was wrong and when its pause is over. */
    async requeue(id: string, error: string, dueAt: Date | null): Promise<boolean> {
      const due = dueAt?.toISOString() ?? null;
      return change(id, { state: "queued", error, finishedAt: null, dueAt: due });
    },

    /** False when it does not exist any more. */
    async finish(id: string, { cold, ...end }: ExecutionEnd): Promise<boolean> {
      return change(id, { ...end, cold: toFlag(cold), finishedAt: now(), dueAt: null });
    },

    /** The end of one that did not get to run, or of which nothing more is known. */
    async close(id: string, state: ExecutionState, error: string | null): Promise<boolean> {
      return change(id, { state, error, finishedAt: now(), dueAt: null });
    },

    /** Oldest first. */
    async listUnfinished(): Promise<QueuedExecution[]> {
      const rows = await db
        .selectFrom("executions")
        .selectAll()
        .where("finishedAt", "is", null)
        .where("kind", "in", queuedKinds)
        .orderBy("seq")
        .execute();
      return rows.map(toQueued);
    },

    /** Writes down what has ended; a row that the function's own record has made already keeps its numbers. */
    async takeInEnded(ended: readonly EndedExecution[]): Promise<void> {
      if (ended.length === 0) return;
      await db
        .insertInto("executions")
        .values(ended.map((one) => ({ ...one, cold: toFlag(one.cold), queueUs: 0, attempt: 1, attempts: 1 })))
        .onConflict((conflict) =>
          conflict.column("id").doUpdateSet((is) => ({
            kind: is.ref("excluded.kind"),
            state: is.ref("excluded.state"),
            version: is.ref("excluded.version"),
            httpStatus: is.ref("excluded.httpStatus"),
            startUs: is.ref("excluded.startUs"),
            error: is.fn.coalesce("excluded.error", "executions.error"),
            request: is.ref("excluded.request"),
            finishedAt: is.fn.coalesce("executions.finishedAt", "excluded.finishedAt"),
          })),
        )
        .execute();
    },

    /** Those of these ids that there is a row of. */
    async listKnown(ids: readonly string[]): Promise<ReadonlySet<string>> {
      const known = new Set<string>();
      for (let index = 0; index < ids.length; index += 500) {
        const some = ids.slice(index, index + 500);
        const rows = await db.selectFrom("executions").select("id").where("id", "in", some).execute();
        for (const row of rows) known.add(row.id);
      }
      return known;
    },
  });
}

function toQueued(row: Selectable<Database["executions"]>): QueuedExecution {
  const { id, environmentId, kind, state, version, httpStatus, attempt, attempts, error } = row;
  const { request, replayOf, createdAt, finishedAt, dueAt } = row;
  return Object.freeze({
    ...{ id, environmentId, kind, state, version, httpStatus, attempt, attempts, error },
    ...{ request, replayOf, createdAt, finishedAt, dueAt },
  });
}

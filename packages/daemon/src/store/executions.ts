import { newId, type ExecutionKind, type ExecutionState } from "@bloomery/contract";
import { sql, type RawBuilder } from "kysely";
import { setCursors, type Cursor } from "./cursors.js";
import { defaultLimit, type Page } from "./page.js";
import { now } from "./rows.js";
import type { Db } from "./schema.js";
import { insertOf } from "./store-errors.js";
import { insertFinished, type FinishedExecution } from "./take-in-executions.js";
import { inTransaction } from "./take-turns.js";

/** The record of one invocation. Microseconds and bytes. */
export interface Execution {
  readonly id: string;
  readonly orgId: string;
  readonly orgName: string;
  readonly appId: string;
  readonly appName: string;
  readonly environmentId: string;
  readonly environmentName: string;
  readonly kind: ExecutionKind;
  readonly state: ExecutionState;
  /** 0: a draft. */
  readonly version: number;
  readonly instanceId: string | null;
  readonly httpStatus: number | null;
  readonly cold: boolean;
  readonly attempt: number;
  readonly attempts: number;
  readonly queueUs: number;
  readonly startUs: number;
  readonly runUs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly error: string | null;
  /** Where the request is kept. */
  readonly request: string | null;
  readonly replayOf: string | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

export interface NewExecution {
  /** Made when absent. */
  readonly id?: string;
  readonly environmentId: string;
  readonly kind: ExecutionKind;
  readonly version: number;
  /** `queued` when absent. */
  readonly state?: "queued" | "running";
  readonly instanceId?: string | null;
  /** How often it may be tried; 1 when absent. */
  readonly attempts?: number;
  readonly request?: string | null;
  readonly replayOf?: string | null;
}

export interface ExecutionFilter {
  readonly appId?: string | undefined;
  readonly environmentId?: string | undefined;
  readonly state?: ExecutionState | undefined;
  readonly kind?: ExecutionKind | undefined;
  readonly version?: number | undefined;
  /** ISO time; those that began before it are left out. */
  readonly since?: string | undefined;
  /** A part of the error, in large or small letters. */
  readonly text?: string | undefined;
}

/** How many there are in each state, and how many were the first of their process. */
export interface ExecutionCounts {
  readonly states: Readonly<Partial<Record<ExecutionState, number>>>;
  readonly cold: number;
}

/** What a removal took away. */
export interface RemovedExecutions {
  readonly count: number;
  /** Where their requests are kept. */
  readonly requests: readonly string[];
}

export type Executions = ReturnType<typeof createExecutions>;

const unfinished: readonly ExecutionState[] = ["queued", "running"];
/** One statement must not hold the database for long. */
const removedAtOnce = 2000;

export function createExecutions(db: Db) {
  async function get(id: string): Promise<Execution | undefined> {
    const row = await select(db).where("executions.id", "=", id).executeTakeFirst();
    return row && toExecution(row);
  }

  /** Removes finished ones that match, in pieces. */
  async function remove(matching: RawBuilder<boolean>): Promise<RemovedExecutions> {
    const requests: string[] = [];
    for (let count = 0; ;) {
      const rows = await db
        .deleteFrom("executions")
        .where("seq", "in", (from) =>
          from
            .selectFrom("executions")
            .select("seq")
            .where("finishedAt", "is not", null)
            .where(matching)
            .limit(removedAtOnce),
        )
        .returning("request")
        .execute();
      count += rows.length;
      for (const { request } of rows) if (request !== null) requests.push(request);
      if (rows.length < removedAtOnce) return { count, requests };
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  return Object.freeze({
    /** One that is yet to end. Throws ERR_ALREADY_EXISTS, or ERR_NOT_FOUND when the environment does not exist. */
    create(execution: NewExecution): Promise<Execution> {
      const { id = newId("execution"), environmentId, kind, version, state = "queued" } = execution;
      const { instanceId = null, attempts = 1, request = null, replayOf = null } = execution;
      const row = {
        ...{ id, environmentId, kind, state, version, instanceId, httpStatus: null, cold: 0 as const },
        ...{ attempt: 1, attempts, queueUs: 0, startUs: 0, runUs: 0, requestBytes: 0, responseBytes: 0 },
        ...{ error: null, request, replayOf, createdAt: now(), finishedAt: null },
        dueAt: null,
      };
      return inTransaction(db, async (tx) => {
        await insertOf(`the execution ${id}`, () => tx.insertInto("executions").values(row).execute());
        return toExecution(await select(tx).where("executions.id", "=", id).executeTakeFirstOrThrow());
      });
    },

    /**
     * Takes in what files tell of executions that have ended, together with how far the files have been read: all or
     * nothing. One that was taken in before stays as it is; one that was made beforehand is completed.
     */
    takeIn(batch: readonly FinishedExecution[], cursors: readonly Cursor[] = []): Promise<void> {
      return inTransaction(db, async (tx) => {
        await insertFinished(tx, batch);
        await setCursors(tx, cursors);
      });
    },

    get,

    /** Newest first; `before` is an execution's id. */
    async list(page: ExecutionFilter & Page<string>): Promise<Execution[]> {
      const { limit = defaultLimit, before, ...filter } = page;
      let query = select(db)
        .where(matches(filter))
        .orderBy("executions.createdAt", "desc")
        .orderBy("executions.seq", "desc")
        .limit(limit);
      if (before !== undefined) {
        const mark = db.selectFrom("executions").select(["createdAt", "seq"]).where("id", "=", before);
        query = query.where(
          sql<boolean>`(${sql.ref("executions.createdAt")}, ${sql.ref("executions.seq")}) < (${mark})`,
        );
      }
      return (await query.execute()).map(toExecution);
    },

    /** Of those that are kept. */
    async count(filter: ExecutionFilter): Promise<ExecutionCounts> {
      const rows = await db
        .selectFrom("executions")
        .where(matches(filter))
        .select((is) => ["state", is.fn.countAll().as("count"), is.fn.sum("cold").as("cold")])
        .groupBy("state")
        .execute();
      return Object.freeze({
        states: Object.freeze(Object.fromEntries(rows.map((row) => [row.state, Number(row.count)]))),
        cold: rows.reduce((sum, row) => sum + Number(row.cold), 0),
      });
    },

    /** Oldest first: those that are queued or run. */
    async listUnfinished(filter: ExecutionFilter = {}): Promise<Execution[]> {
      const query = select(db)
        .where(matches(filter))
        .where("executions.finishedAt", "is", null)
        .where("executions.state", "in", unfinished);
      return (await query.orderBy("executions.seq").execute()).map(toExecution);
    },

    /** Whether another execution ran in this instance at some moment of this time. */
    async hasOthers(
      instanceId: string,
      id: string,
      time: { readonly from: string; readonly to: string },
    ): Promise<boolean> {
      const row = await db
        .selectFrom("executions")
        .select("id")
        .where("instanceId", "=", instanceId)
        .where("id", "!=", id)
        .where("createdAt", "<=", time.to)
        .where((is) => is.or([is("finishedAt", "is", null), is("finishedAt", ">=", time.from)]))
        .limit(1)
        .executeTakeFirst();
      return row !== undefined;
    },

    /** Forgets what ended before this ISO time. */
    removeOlder: (time: string): Promise<RemovedExecutions> =>
      remove(sql<boolean>`${sql.ref("createdAt")} < ${time} and ${sql.ref("finishedAt")} < ${time}`),

    /** Forgets all but the newest of one environment. */
    async removeBeyond(environmentId: string, kept: number): Promise<RemovedExecutions> {
      const last = await db
        .selectFrom("executions")
        .select(["createdAt", "seq"])
        .where("environmentId", "=", environmentId)
        .orderBy("createdAt", "desc")
        .orderBy("seq", "desc")
        .offset(kept)
        .limit(1)
        .executeTakeFirst();
      if (last === undefined) return { count: 0, requests: [] };
      const mark = sql`(${last.createdAt}, ${last.seq})`;
      return remove(
        sql<boolean>`${sql.ref("environmentId")} = ${environmentId} and (${sql.ref("createdAt")}, ${sql.ref("seq")}) <= ${mark}`,
      );
    },

    /** The environments that have executions. */
    async listEnvironments(): Promise<string[]> {
      const rows = await db.selectFrom("executions").select("environmentId").distinct().execute();
      return rows.map((row) => row.environmentId);
    },
  });
}

function select(db: Db) {
  return db
    .selectFrom("executions")
    .innerJoin("environments", "environments.id", "executions.environmentId")
    .innerJoin("apps", "apps.id", "environments.appId")
    .innerJoin("orgs", "orgs.id", "apps.orgId")
    .selectAll("executions")
    .select(["orgs.id as orgId", "orgs.name as orgName", "apps.id as appId", "apps.name as appName"])
    .select("environments.name as environmentName");
}

type Row = Awaited<ReturnType<ReturnType<typeof select>["executeTakeFirstOrThrow"]>>;

function toExecution({ seq: _seq, dueAt: _dueAt, ...row }: Row): Execution {
  return Object.freeze({
    ...row,
    cold: row.cold === 1,
    queueUs: toNumber(row.queueUs),
    startUs: toNumber(row.startUs),
    runUs: toNumber(row.runUs),
    requestBytes: toNumber(row.requestBytes),
    responseBytes: toNumber(row.responseBytes),
  });
}

/** PostgreSQL's driver gives 64-bit numbers as text, whatever the types say. */
function toNumber(value: unknown): number {
  return Number(value);
}

function matches(filter: ExecutionFilter): RawBuilder<boolean> {
  const { appId, since, text } = filter;
  const column = (name: string): RawBuilder<never> => sql.ref(`executions.${name}`);
  const all: RawBuilder<unknown>[] = [sql`1 = 1`];
  for (const name of ["environmentId", "state", "kind", "version"] as const)
    if (filter[name] !== undefined) all.push(sql`${column(name)} = ${filter[name]}`);
  if (appId !== undefined) {
    all.push(sql`${column("environmentId")} in (select id from environments where app_id = ${appId})`);
  }
  if (since !== undefined) all.push(sql`${column("createdAt")} >= ${since}`);
  if (text !== undefined) {
    const pattern = `%${text.toLowerCase().replace(/[\\%_]/g, "\\$&")}%`;
    all.push(sql`lower(${column("error")}) like ${pattern} escape '\\'`);
  }
  return sql<boolean>`${sql.join(all, sql` and `)}`;
}

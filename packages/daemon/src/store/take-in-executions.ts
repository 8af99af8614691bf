import type { ExecutionKind, ExecutionState } from "@bloomery/contract";
import { CompiledQuery, sql, type DialectAdapter, type Insertable, type RawBuilder } from "kysely";
import { toFlag } from "./rows.js";
import type { Database, Db } from "./schema.js";

/** An execution that has ended, as a file told of it. Microseconds and bytes. */
export interface FinishedExecution {
  readonly id: string;
  readonly environmentId: string;
  /** Of an execution that nobody has told of before. */
  readonly kind: ExecutionKind;
  readonly version: number;
  /** Null: no instance told of it, only who waited for the answer. */
  readonly instanceId: string | null;
  readonly state: ExecutionState;
  readonly httpStatus: number | null;
  readonly cold: boolean;
  readonly queueUs: number;
  readonly startUs: number;
  readonly runUs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly error: string | null;
  readonly createdAt: string;
  readonly finishedAt: string;
}

/** Rows of one statement, as far as there are so many; SQLite takes at most 32,766 values. */
const rowsAtOnce = [500, 100, 20];

/** Writes executions down, in whichever transaction `tx` is; those of environments that are gone are left out. */
export async function insertFinished(tx: Db, batch: readonly FinishedExecution[]): Promise<void> {
  const present = await findEnvironments(tx, batch);
  // A statement may name a row only once.
  const rows = [...new Map(batch.map((one) => [one.id, one])).values()].filter((one) =>
    present.has(one.environmentId),
  );
  for (let start = 0; start < rows.length;) {
    const left = rows.length - start;
    const piece = rows.slice(start, start + (rowsAtOnce.find((count) => count <= left) ?? left));
    await tx.executeQuery(CompiledQuery.raw(textOf(tx, piece.length), toValues(piece)));
    start += piece.length;
  }
}

/** The texts of statements, by the number of their rows: to make one takes longer than to run it. */
const texts = new WeakMap<DialectAdapter, Map<number, string>>();

function textOf(db: Db, count: number): string {
  const { adapter } = db.getExecutor();
  const known = texts.get(adapter) ?? new Map<number, string>();
  texts.set(adapter, known);
  const text = known.get(count) ?? compileInsert(db, count);
  known.set(count, text);
  return text;
}

/** As it is for any rows: of each only the names of its columns are in the text, in the order of `toValues`. */
function compileInsert(db: Db, count: number): string {
  const row = toRow(anyRow);
  return db
    .insertInto("executions")
    .values(Array.from({ length: count }, () => row))
    .onConflict((conflict) =>
      conflict
        .column("id")
        .doUpdateSet(merged)
        // A function must not write into what belongs to another, and a guess must not replace what is known.
        .where(
          sql<boolean>`${old("environmentId")} = ${told("environmentId")} and ${told("instanceId")} is not null`,
        ),
    )
    .compile().sql;
}

/** Every column that is told of. */
function toRow(one: FinishedExecution) {
  return {
    id: one.id,
    environmentId: one.environmentId,
    kind: one.kind,
    version: one.version,
    instanceId: one.instanceId,
    state: one.state,
    httpStatus: one.httpStatus,
    cold: toFlag(one.cold),
    queueUs: one.queueUs,
    startUs: one.startUs,
    runUs: one.runUs,
    requestBytes: one.requestBytes,
    responseBytes: one.responseBytes,
    error: one.error,
    createdAt: one.createdAt,
    finishedAt: one.finishedAt,
  } satisfies Insertable<Database["executions"]>;
}

function toValues(rows: readonly FinishedExecution[]): unknown[] {
  const values: unknown[] = [];
  for (const row of rows) values.push(...Object.values(toRow(row)));
  return values;
}

const anyRow: FinishedExecution = {
  ...{
    id: "",
    environmentId: "",
    kind: "direct",
    version: 0,
    instanceId: null,
    state: "succeeded",
    httpStatus: null,
  },
  ...{ cold: false, queueUs: 0, startUs: 0, runUs: 0, requestBytes: 0, responseBytes: 0, error: null },
  ...{ createdAt: "", finishedAt: "" },
};

async function findEnvironments(tx: Db, batch: readonly FinishedExecution[]): Promise<ReadonlySet<string>> {
  const ids = [...new Set(batch.map((one) => one.environmentId))];
  if (ids.length === 0) return new Set();
  const rows = await tx.selectFrom("environments").select("id").where("id", "in", ids).execute();
  return new Set(rows.map(({ id }) => id));
}

type Column = keyof Database["executions"];
const old = (column: Column): RawBuilder<never> => sql.ref(`executions.${column}`);
const told = (column: Column): RawBuilder<never> => sql.ref(`excluded.${column}`);

/** The row was only guessed from what the caller saw; now its instance tells. */
const isGuess = sql`(${old("instanceId")} is null and ${old("kind")} = 'direct')`;
/** The queue left, which calls and nobody else: it has its reasons, or has ended and is to judge what becomes of this. */
const isLeft = sql`(${old("kind")} in ('async', 'replay') and coalesce(${told("httpStatus")}, 0) = 499)`;
/** Whoever tries an execution several times knows when it has ended; a record is about one attempt. */
const isOpen = sql`(${old("finishedAt")} is null and ${old("attempts")} = 1 and not ${isLeft})`;

function pick(when: RawBuilder<unknown>, column: Column): RawBuilder<never> {
  return sql`case when ${when} then ${told(column)} else ${old(column)} end`;
}

const outcome = sql`${isGuess} or ${isOpen}`;

/**
 * A row that was made beforehand keeps what its maker knows: kind, attempt, what it waited for. Nobody knows better
 * than the instance how long it ran, with how many bytes, and whether it was the first of its process.
 */
const merged = {
  state: pick(outcome, "state"),
  // Of an attempt that runs it is the one thing that says how it ended, should its daemon end before it knows.
  httpStatus: pick(sql`${outcome} or ${old("state")} = 'running'`, "httpStatus"),
  error: pick(outcome, "error"),
  finishedAt: pick(outcome, "finishedAt"),
  cold: told("cold"),
  instanceId: told("instanceId"),
  runUs: told("runUs"),
  requestBytes: told("requestBytes"),
  responseBytes: told("responseBytes"),
  createdAt: pick(isGuess, "createdAt"),
  version: pick(isGuess, "version"),
  queueUs: pick(sql`${isGuess} and ${told("queueUs")} > ${old("queueUs")}`, "queueUs"),
  startUs: pick(sql`${isGuess} and ${told("startUs")} > ${old("startUs")}`, "startUs"),
};

import { chmodSync, closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { BloomError } from "@bloomery/contract";
import Sqlite from "better-sqlite3";
import {
  CompiledQuery,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  type SqliteDatabase,
  type SqliteDialectConfig,
  type SqliteStatement,
} from "kysely";
import { codeOf } from "./store-errors.js";

/** How long a statement may wait for another process's transaction, in milliseconds. */
const patienceMs = 10_000;

/**
 * Opens the file, which only its owner may read, and sets it up. `:memory:` works too.
 * Throws ERR_STORE_DAMAGED when its check fails, else SQLite's or the file system's own error.
 */
export async function openSqlite(path: string): Promise<SqliteDialect> {
  if (path !== ":memory:") {
    // Made before SQLite does, so that it is never readable to others; its -wal and -shm files take the mode over.
    closeSync(openSync(path, "a", 0o600));
    chmodSync(path, 0o600);
  }
  const database = new Sqlite(path);
  try {
    database.pragma("busy_timeout = 100");
    // When several daemons open a new file at once, the change of mode fails as busy however long the timeout is.
    await untilNotBusy(() => Promise.resolve(database.pragma("journal_mode = WAL")));
    database.pragma("synchronous = NORMAL");
    database.pragma("foreign_keys = ON");
    assertSound(database);
  } catch (error) {
    database.close();
    throw asDamage(error);
  }
  return new PatientSqliteDialect({ database: keepStatements(database) });
}

/** So many statements are kept; there are fewer, but for lists of values of every length. */
const keptStatements = 300;

/** To prepare a statement takes several times as long as to run it, and few are ever used. */
function keepStatements(database: Sqlite.Database): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>();
  return {
    close: () => database.close(),
    prepare(sql) {
      const known = statements.get(sql);
      if (known !== undefined) return known;
      const statement: SqliteStatement = database.prepare(sql);
      const [oldest] = statements.keys();
      if (statements.size >= keptStatements && oldest !== undefined) statements.delete(oldest);
      statements.set(sql, statement);
      return statement;
    },
  };
}

/** A damaged file is refused before anything is written into it. */
function assertSound(database: Sqlite.Database): void {
  const verdict: unknown = database.pragma("quick_check(1)", { simple: true });
  if (verdict !== "ok") throw damaged(String(verdict));
}

/** What SQLite says of a file that is no database, or not a whole one any more. */
function asDamage(error: unknown): unknown {
  const code = codeOf(error) ?? "";
  const isDamage = code.startsWith("SQLITE_NOTADB") || code.startsWith("SQLITE_CORRUPT");
  return isDamage ? damaged(error instanceof Error ? error.message : code) : error;
}

function damaged(words: string): BloomError {
  return new BloomError("ERR_STORE_DAMAGED", `the database is damaged: ${words}`);
}

/** SQLite with transactions that take the write lock at once, also around migrations. */
class PatientSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;

  constructor(config: SqliteDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createDriver(): Driver {
    return new PatientSqliteDriver(this.#config);
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalSqliteAdapter();
  }
}

class TransactionalSqliteAdapter extends SqliteAdapter {
  // SQLite can undo DDL. With this, the migrator works in one transaction, whose write lock is the lock that
  // keeps a second daemon out.
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class PatientSqliteDriver extends SqliteDriver {
  /** Those that wait for the one connection, first come, first served: else each release would wake all of them. */
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;

  override async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#isTaken = true;
    return new PatientConnection(await super.acquireConnection());
  }

  override async releaseConnection(): Promise<void> {
    await super.releaseConnection();
    const next = this.#waiting.shift();
    // It stays taken: nobody gets between this one and the next.
    if (next === undefined) this.#isTaken = false;
    else next();
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    // A deferred transaction that reads first and then writes can fail at any moment when another process has
    // written in between; one that starts as a writer only ever waits, and only here.
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }
}

/** Waits for a busy file without blocking the event loop: SQLite's own wait is synchronous and kept short. */
class PatientConnection implements DatabaseConnection {
  readonly #inner: DatabaseConnection;

  constructor(inner: DatabaseConnection) {
    this.#inner = inner;
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return untilNotBusy(() => this.#inner.executeQuery<R>(query));
  }

  streamQuery<R>(query: CompiledQuery, chunkSize?: number): AsyncIterableIterator<QueryResult<R>> {
    return this.#inner.streamQuery<R>(query, chunkSize ?? 1);
  }
}

/** A busy statement has changed nothing, so running it again is safe. */
async function untilNotBusy<T>(run: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error;
    }
    await sleep(5);
  }
}

function isBusy(error: unknown): boolean {
  return codeOf(error)?.startsWith("SQLITE_BUSY") ?? false;
}

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
  type SqliteDialectConfig,
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
  return new PatientSqliteDialect({ database });
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
  override async acquireConnection(): Promise<DatabaseConnection> {
    return new PatientConnection(await super.acquireConnection());
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

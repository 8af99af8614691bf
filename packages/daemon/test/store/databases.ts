import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import type { OpenStoreOptions } from "../../src/store/index.js";
import { createPgliteDialect, PglitePool } from "./pglite-dialect.js";
import { startCluster } from "./postgres-cluster.js";

/** One of the databases the store is tested on. */
export interface TestDatabase {
  /** Empties it. */
  reset(): Promise<void>;
  /** What openStore takes; may be asked several times for several stores on the same data. */
  target(): OpenStoreOptions["url"];
  /** Runs SQL behind the store's back. */
  run(sql: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startSqlite(): Promise<TestDatabase> {
  const { default: Sqlite } = await import("better-sqlite3");
  const dir = await mkdtemp(join(tmpdir(), "bloom-store-"));
  let count = 0;
  const file = () => join(dir, `${count}.db`);
  return {
    reset: () => Promise.resolve(void count++),
    target: () => `sqlite:${file()}`,
    run(sql) {
      const database = new Sqlite(file());
      database.exec(sql);
      database.close();
      return Promise.resolve();
    },
    stop: () => rm(dir, { recursive: true, force: true }),
  };
}

const emptySchema = "drop schema public cascade; create schema public";

export async function startPglite(): Promise<TestDatabase> {
  const database = await PGlite.create();
  const pool = new PglitePool(database);
  return {
    reset: async () => void (await database.exec(emptySchema)),
    target: () => ({ kind: "postgres", dialect: createPgliteDialect(pool) }),
    run: async (sql) => void (await database.exec(sql)),
    stop: () => database.close(),
  };
}

export async function startPostgres(bin: string): Promise<TestDatabase> {
  const cluster = await startCluster(bin);
  const client = new pg.Client({ connectionString: cluster.url });
  await client.connect();
  return {
    reset: async () => void (await client.query(emptySchema)),
    target: () => cluster.url,
    run: async (sql) => void (await client.query(sql)),
    async stop() {
      await client.end();
      await cluster.stop();
    },
  };
}

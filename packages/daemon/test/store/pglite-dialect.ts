import type { PGlite } from "@electric-sql/pglite";
import { PostgresDialect, type PostgresPoolClient, type PostgresQueryResult } from "kysely";

/** PGlite behind the pool interface Kysely expects: one connection, given to one user at a time. */
export class PglitePool {
  readonly #database: PGlite;
  #last: Promise<void> = Promise.resolve();

  constructor(database: PGlite) {
    this.#database = database;
  }

  async connect(): Promise<PostgresPoolClient> {
    let release = () => {};
    const before = this.#last;
    this.#last = new Promise((resolve) => (release = resolve));
    await before;
    const query = async <R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> => {
      const { rows, affectedRows } = await this.#database.query<R>(sql, [...parameters]);
      const command = sql.trimStart().split(/\s/, 1)[0]?.toUpperCase() as PostgresQueryResult<R>["command"];
      return { command, rowCount: affectedRows ?? 0, rows };
    };
    return { query: query as PostgresPoolClient["query"], release };
  }

  /** The database belongs to the test. */
  end(): Promise<void> {
    return Promise.resolve();
  }
}

export function createPgliteDialect(pool: PglitePool): PostgresDialect {
  return new PostgresDialect({ pool });
}

import { PostgresDialect } from "kysely";

/** The part of a pino logger the store uses. */
export interface StoreLog {
  warn(fields: object, message: string): void;
}

/** A pool of connections to the database `url` names. Connects when first used. */
export async function openPostgres(url: string, log: StoreLog | undefined): Promise<PostgresDialect> {
  // Most daemons have their database in a file, and would carry the client along for nothing.
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: 10_000,
    application_name: "bloomd",
  });
  // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
  pool.on("error", (error) => log?.warn({ err: error }, "an idle connection to PostgreSQL broke"));
  return new PostgresDialect({ pool });
}

/** The URL without its password, for messages. */
export function redactUrl(url: string): string {
  try {
    const parsed = new URL(url);
    if (parsed.password !== "") parsed.password = "***";
    if (parsed.searchParams.has("password")) parsed.searchParams.set("password", "***");
    return parsed.href;
  } catch {
    return "the PostgreSQL URL";
  }
}

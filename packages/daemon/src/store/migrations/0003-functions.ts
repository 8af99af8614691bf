import { sql, type Kysely, type Migration } from "kysely";
import type { StoreKind } from "../store-kind.js";

/** What functions need besides: what was said of them, their one draft, and the records of their executions. */
export function createFunctions(kind: StoreKind): Migration {
  return {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable("functions")
        .addColumn("app_id", "text", (c) => c.primaryKey().references("apps.id").onDelete("cascade"))
        .addColumn("settings", "text", (c) => c.notNull())
        .addColumn("created_at", "text", (c) => c.notNull())
        .addColumn("updated_at", "text", (c) => c.notNull())
        .execute();
      await createDrafts(db);
      await db.schema.alterTable("versions").addColumn("facts", "text").execute();
      await createExecutions(db, kind);
      await db.schema
        .createTable("cursors")
        .addColumn("name", "text", (c) => c.primaryKey())
        .addColumn("position", "text", (c) => c.notNull())
        .execute();
    },
  };
}

async function createDrafts(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("drafts")
    .addColumn("app_id", "text", (c) => c.primaryKey().references("apps.id").onDelete("cascade"))
    .addColumn("status", "text", (c) => c.notNull())
    .addColumn("tree", "text", (c) => c.notNull())
    .addColumn("wishes", "text", (c) => c.notNull())
    // No foreign key: builds and artifacts are swept by their own rules.
    .addColumn("build_id", "text")
    .addColumn("artifact", "text")
    .addColumn("config", "text")
    .addColumn("facts", "text")
    .addColumn("error", "text")
    .addColumn("saved_at", "text", (c) => c.notNull())
    .addColumn("compiled_at", "text")
    .execute();
}

async function createExecutions(db: Kysely<unknown>, kind: StoreKind): Promise<void> {
  const table = db.schema.createTable("executions");
  const counted =
    kind === "postgres"
      ? table.addColumn("seq", "bigserial", (c) => c.primaryKey())
      : table.addColumn("seq", "integer", (c) => c.primaryKey().autoIncrement());
  await counted
    .addColumn("id", "text", (c) => c.notNull().unique())
    .addColumn("environment_id", "text", (c) => c.notNull().references("environments.id").onDelete("cascade"))
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("version", "integer", (c) => c.notNull())
    .addColumn("instance_id", "text")
    .addColumn("http_status", "integer")
    .addColumn("cold", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("attempt", "integer", (c) => c.notNull().defaultTo(1))
    .addColumn("attempts", "integer", (c) => c.notNull().defaultTo(1))
    .addColumn("queue_us", "bigint", (c) => c.notNull().defaultTo(0))
    .addColumn("start_us", "bigint", (c) => c.notNull().defaultTo(0))
    .addColumn("run_us", "bigint", (c) => c.notNull().defaultTo(0))
    .addColumn("request_bytes", "bigint", (c) => c.notNull().defaultTo(0))
    .addColumn("response_bytes", "bigint", (c) => c.notNull().defaultTo(0))
    .addColumn("error", "text")
    .addColumn("request", "text")
    .addColumn("replay_of", "text")
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("finished_at", "text")
    .execute();
  await sql`create index executions_environment on executions (environment_id, created_at, seq)`.execute(db);
  await sql`create index executions_unfinished on executions (state, seq) where finished_at is null`.execute(
    db,
  );
  await sql`create index executions_created on executions (created_at)`.execute(db);
}

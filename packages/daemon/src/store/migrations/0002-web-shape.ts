import type { Kysely, Migration } from "kysely";

/** What the web shape needs besides: typed variables, the identity of apps, and which version's hook has run. */
export function createWebShape(): Migration {
  return {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .alterTable("variables")
        .addColumn("json", "integer", (c) => c.notNull().defaultTo(0))
        .execute();
      await db.schema.alterTable("apps").addColumn("project_id", "text").execute();
      await db.schema.alterTable("apps").addColumn("project_entropy", "text").execute();
      // No foreign key: a version may go while the environment remembers that its hook has run.
      await db.schema.alterTable("environments").addColumn("hooked_version_id", "text").execute();
    },
  };
}

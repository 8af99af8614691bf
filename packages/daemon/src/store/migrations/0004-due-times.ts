import type { Kysely, Migration } from "kysely";

/** When an execution that waits for its next attempt is to run: a pause outlives the daemon that made it. */
export function createDueTimes(): Migration {
  return {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema.alterTable("executions").addColumn("due_at", "text").execute();
    },
  };
}

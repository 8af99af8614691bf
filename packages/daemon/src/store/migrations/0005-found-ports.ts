import type { Kysely, Migration } from "kysely";

/** The ports a tcp app was found to listen on, when its manifest names none: looked for once for each version. */
export function createFoundPorts(): Migration {
  return {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema.alterTable("versions").addColumn("found_ports", "text").execute();
    },
  };
}

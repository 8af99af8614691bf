import { BloomError } from "@bloomery/contract";
import { Migrator, type Kysely } from "kysely";
import { createMigrations } from "./migrations/index.js";
import type { StoreKind } from "./store-kind.js";

/**
 * Brings the database up to this release. Several daemons may do this at once: one migrates, the others wait.
 * Throws ERR_STORE_TOO_NEW when a newer release has been here, ERR_STORE_OPEN when a migration fails.
 */
export async function migrateStore<T>(db: Kysely<T>, kind: StoreKind): Promise<void> {
  const migrations = createMigrations(kind);
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;

  const unknown = await listUnknown(db, Object.keys(migrations));
  if (unknown.length > 0) {
    throw new BloomError(
      "ERR_STORE_TOO_NEW",
      `the database has changes this release does not know: ${unknown.join(", ")}`,
      {
        cause: error,
      },
    );
  }
  throw error;
}

async function listUnknown<T>(db: Kysely<T>, known: readonly string[]): Promise<string[]> {
  try {
    const table = db as unknown as Kysely<{ kysely_migration: { name: string } }>;
    const rows = await table.selectFrom("kysely_migration").select("name").orderBy("name").execute();
    return rows.map((row) => row.name).filter((name) => !known.includes(name));
  } catch {
    // The table itself may be what could not be made; the migrator's own error says more.
    return [];
  }
}

import { BloomError } from "@bloomery/contract";
import type { Db } from "./schema.js";

/** Runs `work` in a transaction: the one it is already in, else a new one. */
export function inTransaction<T>(db: Db, work: (tx: Db) => Promise<T>): Promise<T> {
  return db.isTransaction ? work(db) : db.transaction().execute(work);
}

// SQLite has no `select … for update`. An update that changes nothing takes the same row lock on PostgreSQL,
// and on SQLite the transaction holds the only write lock from its start.

/** Makes every other transaction that wants this turn wait until the end of this one. */
export async function takeTurn(tx: Db, name: "app-slot" | "environment-slot"): Promise<void> {
  await tx.updateTable("turns").set({ name }).where("name", "=", name).execute();
}

/** Locks an app's row until the end of the transaction. Throws ERR_NOT_FOUND when it does not exist. */
export async function lockApp(tx: Db, id: string): Promise<void> {
  const result = await tx.updateTable("apps").set({ id }).where("id", "=", id).executeTakeFirst();
  if (result.numUpdatedRows === 0n) throw gone("app", id);
}

/** Locks an environment's row, as lockApp does an app's. */
export async function lockEnvironment(tx: Db, id: string): Promise<void> {
  const result = await tx.updateTable("environments").set({ id }).where("id", "=", id).executeTakeFirst();
  if (result.numUpdatedRows === 0n) throw gone("environment", id);
}

function gone(what: string, id: string): BloomError {
  return new BloomError("ERR_NOT_FOUND", `the ${what} ${id} does not exist any more`);
}

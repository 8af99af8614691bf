import { fromJson } from "./rows.js";
import type { Db } from "./schema.js";

export type Settings = ReturnType<typeof createSettings>;

/** Small facts the daemon keeps between boots, as JSON. The reader checks their shape. */
export function createSettings(db: Db) {
  return Object.freeze({
    /** Deeply frozen; undefined when it was never set. */
    async get(key: string): Promise<unknown> {
      const row = await db.selectFrom("settings").select("value").where("key", "=", key).executeTakeFirst();
      return row && fromJson<unknown>(row.value);
    },

    async set(key: string, value: string | number | boolean | object | null): Promise<void> {
      const text = JSON.stringify(value);
      await db
        .insertInto("settings")
        .values({ key, value: text })
        .onConflict((conflict) => conflict.column("key").doUpdateSet({ value: text }))
        .execute();
    },

    /** Everything, by key. */
    async list(): Promise<Readonly<Record<string, unknown>>> {
      const rows = await db.selectFrom("settings").selectAll().orderBy("key").execute();
      return Object.freeze(Object.fromEntries(rows.map(({ key, value }) => [key, fromJson<unknown>(value)])));
    },

    /** False when there was none. */
    async remove(key: string): Promise<boolean> {
      const result = await db.deleteFrom("settings").where("key", "=", key).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  });
}

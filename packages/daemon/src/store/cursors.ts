import { fromJson } from "./rows.js";
import type { Db } from "./schema.js";

/** How far the files behind a name have been read; what a position looks like is its reader's own affair. */
export interface Cursor {
  readonly name: string;
  readonly position: object;
}

export type Cursors = ReturnType<typeof createCursors>;

export function createCursors(db: Db) {
  return Object.freeze({
    /** Deeply frozen; undefined when nothing was read yet. The reader checks its shape. */
    async get(name: string): Promise<unknown> {
      const row = await db
        .selectFrom("cursors")
        .select("position")
        .where("name", "=", name)
        .executeTakeFirst();
      return row && fromJson<unknown>(row.position);
    },

    set: (cursor: Cursor): Promise<void> => setCursors(db, [cursor]),

    /** The names that begin so, in order. */
    async list(prefix: string): Promise<string[]> {
      const rows = await db.selectFrom("cursors").select("name").orderBy("name").execute();
      return rows.map(({ name }) => name).filter((name) => name.startsWith(prefix));
    },

    /** Harmless when there is none. */
    async remove(name: string): Promise<void> {
      await db.deleteFrom("cursors").where("name", "=", name).execute();
    },
  });
}

/** Writes positions down, in whichever transaction `db` is. */
export async function setCursors(db: Db, cursors: readonly Cursor[]): Promise<void> {
  for (const { name, position } of cursors) {
    const text = JSON.stringify(position);
    await db
      .insertInto("cursors")
      .values({ name, position: text })
      .onConflict((conflict) => conflict.column("name").doUpdateSet({ position: text }))
      .execute();
  }
}

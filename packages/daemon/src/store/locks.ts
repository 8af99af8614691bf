import { fromJson, now, toJson } from "./rows.js";
import type { Database, Db } from "./schema.js";

/** Who holds a lock, in words for whoever has to wait. */
export interface LockHolder {
  readonly actor: string;
  /** Such as `deploy` or `rollback`. */
  readonly what: string;
  /** A deployment's id. */
  readonly deployment: string | null;
  readonly since: string;
}

export interface Lock {
  readonly name: string;
  readonly holder: LockHolder;
  /** The boot id of the daemon that took it. */
  readonly daemon: string;
  readonly acquiredAt: string;
}

export type LockResult = { readonly ok: true } | { readonly ok: false; readonly holder: LockHolder };

export type Locks = ReturnType<typeof createLocks>;

/** Named locks that outlive a daemon, so that the next one sees what was under way. */
export function createLocks(db: Db) {
  async function get(name: string): Promise<Lock | undefined> {
    const row = await db.selectFrom("locks").selectAll().where("name", "=", name).executeTakeFirst();
    return row && toLock(row);
  }

  return Object.freeze({
    /** Takes the lock or says who has it; never waits. The same daemon cannot take it twice either. */
    async acquire(name: string, holder: Omit<LockHolder, "since">, daemon: string): Promise<LockResult> {
      for (;;) {
        const acquiredAt = now();
        const taken = await db
          .insertInto("locks")
          .values({ name, holder: toJson({ ...holder, since: acquiredAt }), daemon, acquiredAt })
          .onConflict((conflict) => conflict.column("name").doNothing())
          .executeTakeFirst();
        if ((taken.numInsertedOrUpdatedRows ?? 0n) > 0n) return { ok: true };
        const lock = await get(name);
        // It may have been released between the two queries: then try again.
        if (lock !== undefined) return { ok: false, holder: lock.holder };
      }
    },

    /** False when this daemon does not hold it. */
    async release(name: string, daemon: string): Promise<boolean> {
      const query = db.deleteFrom("locks").where("name", "=", name).where("daemon", "=", daemon);
      return (await query.executeTakeFirst()).numDeletedRows > 0n;
    },

    get,

    /** By name. */
    async list(): Promise<Lock[]> {
      return (await db.selectFrom("locks").selectAll().orderBy("name").execute()).map(toLock);
    },

    /** Removes the locks of all other boots and returns them. Only for the one daemon that owns the home. */
    async breakOthers(daemon: string): Promise<Lock[]> {
      const rows = await db.deleteFrom("locks").where("daemon", "!=", daemon).returningAll().execute();
      return rows.map(toLock);
    },
  });
}

function toLock(row: Database["locks"]): Lock {
  return Object.freeze({ ...row, holder: fromJson<LockHolder>(row.holder) });
}

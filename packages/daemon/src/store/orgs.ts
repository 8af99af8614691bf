import { newId } from "@bloomery/contract";
import { now } from "./rows.js";
import type { Db } from "./schema.js";
import { insertOf } from "./store-errors.js";

export interface Org {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
}

export type Orgs = ReturnType<typeof createOrgs>;

export function createOrgs(db: Db) {
  return Object.freeze({
    /** Throws ERR_ALREADY_EXISTS. */
    async create(name: string): Promise<Org> {
      const org = Object.freeze({ id: newId("org"), name, createdAt: now() });
      await insertOf(`the organization ${name}`, () => db.insertInto("orgs").values(org).execute());
      return org;
    },

    /** The org of this name, made when there is none. */
    async ensure(name: string): Promise<Org> {
      await db
        .insertInto("orgs")
        .values({ id: newId("org"), name, createdAt: now() })
        .onConflict((conflict) => conflict.column("name").doNothing())
        .execute();
      return Object.freeze(
        await db.selectFrom("orgs").selectAll().where("name", "=", name).executeTakeFirstOrThrow(),
      );
    },

    async get(id: string): Promise<Org | undefined> {
      const row = await db.selectFrom("orgs").selectAll().where("id", "=", id).executeTakeFirst();
      return row && Object.freeze(row);
    },

    async getByName(name: string): Promise<Org | undefined> {
      const row = await db.selectFrom("orgs").selectAll().where("name", "=", name).executeTakeFirst();
      return row && Object.freeze(row);
    },

    /** By name. */
    async list(): Promise<Org[]> {
      const rows = await db.selectFrom("orgs").selectAll().orderBy("name").execute();
      return rows.map((row) => Object.freeze(row));
    },

    /** Removes an org that has no apps, with its tokens; false when it has some or does not exist. */
    async removeEmpty(id: string): Promise<boolean> {
      const result = await db
        .deleteFrom("orgs")
        .where("id", "=", id)
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom("apps").select("apps.id").where("orgId", "=", id))),
        )
        .executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  });
}

import { newId } from "@bloomery/contract";
import { defaultLimit, type Page } from "./page.js";
import { now } from "./rows.js";
import type { Db } from "./schema.js";
import { insertOf } from "./store-errors.js";
import { inTransaction, lockEnvironment } from "./take-turns.js";

export interface Release {
  readonly id: string;
  readonly environmentId: string;
  /** From 1, per environment. */
  readonly number: number;
  readonly versionId: string;
  readonly versionNumber: number;
  /** The variables in force, sealed by the caller; the store does not look inside. */
  readonly variables: string;
  readonly createdAt: string;
}

export interface NewRelease {
  readonly environmentId: string;
  readonly versionId: string;
  readonly variables: string;
}

export type Releases = ReturnType<typeof createReleases>;

/** Releases never change: there is no update. */
export function createReleases(db: Db) {
  const select = (on: Db = db) =>
    on
      .selectFrom("releases")
      .innerJoin("versions", "versions.id", "releases.versionId")
      .selectAll("releases")
      .select("versions.number as versionNumber");

  return Object.freeze({
    /** The environment's next release. Throws ERR_NOT_FOUND when the environment or the version does not exist. */
    create({ environmentId, versionId, variables }: NewRelease): Promise<Release> {
      return inTransaction(db, async (tx) => {
        await lockEnvironment(tx, environmentId);
        const { last } = await tx
          .selectFrom("releases")
          .select((is) => is.fn.max("number").as("last"))
          .where("environmentId", "=", environmentId)
          .executeTakeFirstOrThrow();
        const number = (last ?? 0) + 1;
        const row = { id: newId("release"), environmentId, number, versionId, variables, createdAt: now() };
        await insertOf(`release ${number}`, () => tx.insertInto("releases").values(row).execute());
        return Object.freeze(await select(tx).where("releases.id", "=", row.id).executeTakeFirstOrThrow());
      });
    },

    async get(id: string): Promise<Release | undefined> {
      const row = await select().where("releases.id", "=", id).executeTakeFirst();
      return row && Object.freeze(row);
    },

    async getByNumber(environmentId: string, number: number): Promise<Release | undefined> {
      const row = await select()
        .where("environmentId", "=", environmentId)
        .where("releases.number", "=", number)
        .executeTakeFirst();
      return row && Object.freeze(row);
    },

    /** Newest first; `before` is a release number. */
    async list(page: Page<number> & { readonly environmentId: string }): Promise<Release[]> {
      const { environmentId, limit = defaultLimit, before } = page;
      let query = select()
        .where("environmentId", "=", environmentId)
        .orderBy("releases.number", "desc")
        .limit(limit);
      if (before !== undefined) query = query.where("releases.number", "<", before);
      return (await query.execute()).map((row) => Object.freeze(row));
    },
  });
}

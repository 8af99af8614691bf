import { newId } from "@bloomery/contract";
import { planSlot } from "./plan-slot.js";
import { now } from "./rows.js";
import type { Db } from "./schema.js";
import { insertOf } from "./store-errors.js";
import { inTransaction, lockApp, takeTurn } from "./take-turns.js";

export interface App {
  readonly id: string;
  readonly orgId: string;
  readonly orgName: string;
  readonly name: string;
  /** From 1, unique among all apps, taken again after the app is gone: decides the app's user ids. */
  readonly slot: number;
  readonly createdAt: string;
}

/** What an app is told of itself for as long as it exists. */
export interface AppIdentity {
  readonly projectId: string;
  /** Sealed by the caller; the store does not look inside. */
  readonly projectEntropy: string;
}

export interface NewApp {
  readonly orgId: string;
  readonly name: string;
}

export type Apps = ReturnType<typeof createApps>;

export function createApps(db: Db) {
  const select = (on: Db = db) =>
    on
      .selectFrom("apps")
      .innerJoin("orgs", "orgs.id", "apps.orgId")
      .select(["apps.id", "orgId", "orgs.name as orgName", "apps.name", "slot", "apps.createdAt"]);

  async function findByName(on: Db, orgId: string, name: string): Promise<App | undefined> {
    const row = await select(on).where("orgId", "=", orgId).where("apps.name", "=", name).executeTakeFirst();
    return row && Object.freeze(row);
  }

  /** Only in a transaction that has the turn: two must not find the same free slot. */
  async function insert(tx: Db, { orgId, name }: NewApp): Promise<App> {
    const rows = await tx.selectFrom("apps").select("slot").execute();
    const slot = planSlot(
      rows.map((row) => row.slot),
      1,
    );
    const identity = { projectId: null, projectEntropy: null };
    const app = { id: newId("app"), orgId, name, slot, ...identity, createdAt: now() };
    await insertOf(`the app ${name}`, () => tx.insertInto("apps").values(app).execute());
    return Object.freeze(await select(tx).where("apps.id", "=", app.id).executeTakeFirstOrThrow());
  }

  return Object.freeze({
    /** Throws ERR_ALREADY_EXISTS, or ERR_NOT_FOUND when the org does not exist. */
    create(app: NewApp): Promise<App> {
      return inTransaction(db, async (tx) => {
        await takeTurn(tx, "app-slot");
        return insert(tx, app);
      });
    },

    /** The app of this name, made when there is none. */
    ensure(app: NewApp): Promise<{ readonly app: App; readonly created: boolean }> {
      return inTransaction(db, async (tx) => {
        await takeTurn(tx, "app-slot");
        const found = await findByName(tx, app.orgId, app.name);
        return { app: found ?? (await insert(tx, app)), created: found === undefined };
      });
    },

    async get(id: string): Promise<App | undefined> {
      const row = await select().where("apps.id", "=", id).executeTakeFirst();
      return row && Object.freeze(row);
    },

    /** Undefined when it has none yet, or is gone. */
    async getIdentity(id: string): Promise<AppIdentity | undefined> {
      const row = await db
        .selectFrom("apps")
        .select(["projectId", "projectEntropy"])
        .where("id", "=", id)
        .executeTakeFirst();
      if (row === undefined || row.projectId === null || row.projectEntropy === null) return undefined;
      return Object.freeze({ projectId: row.projectId, projectEntropy: row.projectEntropy });
    },

    /**
     * The app's identity: the given one when it has none yet; entropy that is of no use any more is replaced.
     * Throws ERR_NOT_FOUND when the app is gone.
     */
    ensureIdentity(
      id: string,
      fresh: AppIdentity,
      isOfUse: (projectEntropy: string) => boolean = () => true,
    ): Promise<AppIdentity> {
      return inTransaction(db, async (tx) => {
        await lockApp(tx, id);
        const { projectId, projectEntropy } = await tx
          .selectFrom("apps")
          .select(["projectId", "projectEntropy"])
          .where("id", "=", id)
          .executeTakeFirstOrThrow();
        if (projectId !== null && projectEntropy !== null && isOfUse(projectEntropy))
          return Object.freeze({ projectId, projectEntropy });
        const identity = { ...fresh, projectId: projectId ?? fresh.projectId };
        await tx.updateTable("apps").set(identity).where("id", "=", id).execute();
        return Object.freeze(identity);
      });
    },

    getByName(orgId: string, name: string): Promise<App | undefined> {
      return findByName(db, orgId, name);
    },

    /** By org and name. */
    async list(filter: { readonly orgId?: string | undefined } = {}): Promise<App[]> {
      let query = select().orderBy("orgs.name").orderBy("apps.name");
      if (filter.orgId !== undefined) query = query.where("orgId", "=", filter.orgId);
      return (await query.execute()).map((row) => Object.freeze(row));
    },

    async count(filter: { readonly orgId?: string | undefined } = {}): Promise<number> {
      let query = db.selectFrom("apps").select((is) => is.fn.countAll().as("count"));
      if (filter.orgId !== undefined) query = query.where("orgId", "=", filter.orgId);
      return Number((await query.executeTakeFirstOrThrow()).count);
    },

    /** Removes the app and everything below it; activities stay. False when there was none. */
    async remove(id: string): Promise<boolean> {
      const result = await db.deleteFrom("apps").where("id", "=", id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  });
}

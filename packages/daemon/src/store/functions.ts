import type { ignite } from "@bloomery/contract";
import { defaultLimit } from "./page.js";
import { fromJson, now, toJson } from "./rows.js";
import type { Database, Db } from "./schema.js";
import { insertOf } from "./store-errors.js";
import { inTransaction, lockApp } from "./take-turns.js";

/** What an app's owner said of a function besides its code. */
export interface FunctionRow {
  readonly appId: string;
  readonly settings: ignite.AppSettings;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export type Functions = ReturnType<typeof createFunctions>;

export function createFunctions(db: Db) {
  async function find(on: Db, appId: string): Promise<Database["functions"] | undefined> {
    return on.selectFrom("functions").selectAll().where("appId", "=", appId).executeTakeFirst();
  }

  async function insert(tx: Db, appId: string, settings: ignite.AppSettings): Promise<FunctionRow> {
    const createdAt = now();
    const row = { appId, settings: toJson(settings), createdAt, updatedAt: createdAt };
    await insertOf("the function", () => tx.insertInto("functions").values(row).execute());
    return toFunction(row);
  }

  return Object.freeze({
    /** Throws ERR_ALREADY_EXISTS, or ERR_NOT_FOUND when the app is gone. */
    create(appId: string, settings: ignite.AppSettings): Promise<FunctionRow> {
      return inTransaction(db, (tx) => insert(tx, appId, settings));
    },

    /** What was said of the function; nothing yet when it is new. Throws ERR_NOT_FOUND when the app is gone. */
    ensure(appId: string): Promise<FunctionRow> {
      return inTransaction(db, async (tx) => {
        await lockApp(tx, appId);
        const found = await find(tx, appId);
        return found === undefined ? insert(tx, appId, {}) : toFunction(found);
      });
    },

    async get(appId: string): Promise<FunctionRow | undefined> {
      const row = await find(db, appId);
      return row && toFunction(row);
    },

    /** Puts what `change` makes of the settings in their place. Throws ERR_NOT_FOUND when the app is gone. */
    update(
      appId: string,
      change: (settings: ignite.AppSettings) => ignite.AppSettings,
    ): Promise<FunctionRow> {
      return inTransaction(db, async (tx) => {
        await lockApp(tx, appId);
        const found = await find(tx, appId);
        if (found === undefined) return insert(tx, appId, change({}));
        const settings = toJson(change(fromJson<ignite.AppSettings>(found.settings)));
        const set = { settings, updatedAt: now() };
        await tx.updateTable("functions").set(set).where("appId", "=", appId).execute();
        return toFunction({ ...found, ...set });
      });
    },

    /** The organization's functions by name; `after` is the last name of the page before. */
    async listApps(page: {
      readonly orgId: string;
      readonly limit?: number;
      readonly after?: string | undefined;
    }): Promise<readonly { readonly appId: string; readonly name: string }[]> {
      let query = db
        .selectFrom("functions")
        .innerJoin("apps", "apps.id", "functions.appId")
        .select(["functions.appId", "apps.name"])
        .where("apps.orgId", "=", page.orgId)
        .orderBy("apps.name")
        .limit(page.limit ?? defaultLimit);
      if (page.after !== undefined) query = query.where("apps.name", ">", page.after);
      return query.execute();
    },
  });
}

function toFunction(row: Database["functions"]): FunctionRow {
  return Object.freeze({ ...row, settings: fromJson<ignite.AppSettings>(row.settings) });
}

import { newId, type BuildState, type BuildStats, type ErrorDocument } from "@bloomery/contract";
import { defaultLimit, type Page } from "./page.js";
import { fromErrorJson, fromJson, isEmptyPatch, now, toJson } from "./rows.js";
import type { Database, Db } from "./schema.js";
import { insertOf } from "./store-errors.js";
import { inTransaction, lockApp } from "./take-turns.js";

export interface Build {
  readonly id: string;
  readonly appId: string;
  /** From 1, per app. */
  readonly number: number;
  /** Hash of the source tree and everything else the result depends on. */
  readonly key: string;
  readonly tree: string;
  readonly state: BuildState;
  /** Digest of what the build made. */
  readonly artifact: string | null;
  readonly toolchain: string | null;
  readonly stats: BuildStats | null;
  readonly error: ErrorDocument | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export interface NewBuild {
  readonly appId: string;
  readonly key: string;
  readonly tree: string;
  readonly toolchain?: string | null;
}

/** What may change; absent keys stay as they are. */
export interface BuildPatch {
  /** Known only when the toolchain was chosen. */
  readonly key?: string | undefined;
  readonly state?: BuildState | undefined;
  readonly artifact?: string | null | undefined;
  readonly toolchain?: string | null | undefined;
  readonly stats?: BuildStats | null | undefined;
  readonly error?: ErrorDocument | null | undefined;
}

export type Builds = ReturnType<typeof createBuilds>;

const unfinished: readonly BuildState[] = ["pending", "running"];

export function createBuilds(db: Db) {
  async function get(id: string): Promise<Build | undefined> {
    const row = await db.selectFrom("builds").selectAll().where("id", "=", id).executeTakeFirst();
    return row && toBuild(row);
  }

  return Object.freeze({
    /** A pending build with the app's next number. Throws ERR_NOT_FOUND when the app does not exist. */
    create({ appId, key, tree, toolchain = null }: NewBuild): Promise<Build> {
      return inTransaction(db, async (tx) => {
        await lockApp(tx, appId);
        const { last } = await tx
          .selectFrom("builds")
          .select((is) => is.fn.max("number").as("last"))
          .where("appId", "=", appId)
          .executeTakeFirstOrThrow();
        const row: Database["builds"] = {
          ...{ id: newId("build"), appId, number: (last ?? 0) + 1, key, tree, toolchain },
          ...{ state: "pending", artifact: null, stats: null, error: null },
          ...{ createdAt: now(), startedAt: null, finishedAt: null },
        };
        await insertOf(`build ${row.number}`, () => tx.insertInto("builds").values(row).execute());
        return toBuild(row);
      });
    },

    get,

    /** The latest build of this key that succeeded: its artifact needs no new build. */
    async getSucceeded(appId: string, key: string): Promise<Build | undefined> {
      const row = await db
        .selectFrom("builds")
        .selectAll()
        .where("appId", "=", appId)
        .where("key", "=", key)
        .where("state", "=", "succeeded")
        .orderBy("number", "desc")
        .limit(1)
        .executeTakeFirst();
      return row && toBuild(row);
    },

    /** Newest first; `before` is a build number. */
    async list({
      appId,
      limit = defaultLimit,
      before,
    }: Page<number> & { readonly appId: string }): Promise<Build[]> {
      let query = db
        .selectFrom("builds")
        .selectAll()
        .where("appId", "=", appId)
        .orderBy("number", "desc")
        .limit(limit);
      if (before !== undefined) query = query.where("number", "<", before);
      return (await query.execute()).map(toBuild);
    },

    /** The changed build; undefined when there is none. The state decides startedAt and finishedAt. */
    async update(id: string, patch: BuildPatch): Promise<Build | undefined> {
      const { stats, error, state, ...rest } = patch;
      const set = { ...rest, state, stats: toJson(stats), error: toJson(error), ...timesOf(state) };
      if (!isEmptyPatch(set)) await db.updateTable("builds").set(set).where("id", "=", id).execute();
      return get(id);
    },

    /** Marks what was pending or running as failed, because its daemon is gone; returns those builds. */
    async failUnfinished(error: ErrorDocument): Promise<Build[]> {
      const rows = await db
        .updateTable("builds")
        .set({ state: "failed", error: toJson(error), finishedAt: now() })
        .where("state", "in", unfinished)
        .returningAll()
        .execute();
      return rows.map(toBuild);
    },
  });
}

function timesOf(state: BuildState | undefined): { startedAt?: string; finishedAt?: string } {
  if (state === undefined || state === "pending") return {};
  return state === "running" ? { startedAt: now() } : { finishedAt: now() };
}

function toBuild(row: Database["builds"]): Build {
  return Object.freeze({ ...row, stats: fromJson<BuildStats>(row.stats), error: fromErrorJson(row.error) });
}

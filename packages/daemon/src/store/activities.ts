import { newId, type BuildState, type ErrorDocument } from "@bloomery/contract";
import type { Selectable } from "kysely";
import { defaultLimit, type Page } from "./page.js";
import { fromErrorJson, fromJson, isEmptyPatch, now, toJson } from "./rows.js";
import type { Database, Db } from "./schema.js";

export interface Activity {
  readonly id: string;
  /** Ids as they were: the org and the app may be gone. Names belong into `parameters`. */
  readonly orgId: string | null;
  readonly appId: string | null;
  /** The environment's name. */
  readonly environment: string | null;
  /** Such as `app.create` or `deployment.rollback`. */
  readonly type: string;
  readonly state: BuildState;
  readonly actor: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly deploymentId: string | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly error: ErrorDocument | null;
}

export interface NewActivity {
  readonly type: string;
  readonly actor: string;
  readonly description: string;
  /** `succeeded` when absent: most changes are done when they are written down. */
  readonly state?: BuildState;
  readonly orgId?: string | null;
  readonly appId?: string | null;
  readonly environment?: string | null;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly deploymentId?: string | null;
  readonly error?: ErrorDocument | null;
}

/** What may change; absent keys stay as they are. */
export interface ActivityPatch {
  readonly state?: BuildState | undefined;
  readonly description?: string | undefined;
  readonly deploymentId?: string | null | undefined;
  readonly error?: ErrorDocument | null | undefined;
}

export interface ActivityPage extends Page<string> {
  readonly orgId?: string | undefined;
  readonly appId?: string | undefined;
  readonly environment?: string | undefined;
}

export type Activities = ReturnType<typeof createActivities>;

const unfinished: readonly BuildState[] = ["pending", "running"];

export function createActivities(db: Db) {
  async function get(id: string): Promise<Activity | undefined> {
    const row = await db.selectFrom("activities").selectAll().where("id", "=", id).executeTakeFirst();
    return row && toActivity(row);
  }

  return Object.freeze({
    async create(activity: NewActivity): Promise<Activity> {
      const { type, actor, description, state = "succeeded", parameters = {}, error = null } = activity;
      const { orgId = null, appId = null, environment = null, deploymentId = null } = activity;
      const createdAt = now();
      const row = await db
        .insertInto("activities")
        .values({
          ...{ id: newId("activity"), orgId, appId, environment, type, state, actor, description },
          ...{ parameters: toJson(parameters), deploymentId, createdAt, error: toJson(error) },
          finishedAt: unfinished.includes(state) ? null : createdAt,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return toActivity(row);
    },

    get,

    /** Newest first; `before` is an activity's id. */
    async list(page: ActivityPage = {}): Promise<Activity[]> {
      const { orgId, appId, environment, limit = defaultLimit, before } = page;
      let query = db.selectFrom("activities").selectAll().orderBy("seq", "desc").limit(limit);
      if (orgId !== undefined) query = query.where("orgId", "=", orgId);
      if (appId !== undefined) query = query.where("appId", "=", appId);
      if (environment !== undefined) query = query.where("environment", "=", environment);
      if (before !== undefined) {
        query = query.where("seq", "<", db.selectFrom("activities").select("seq").where("id", "=", before));
      }
      return (await query.execute()).map(toActivity);
    },

    /** The changed activity; undefined when there is none. A final state sets finishedAt. */
    async update(id: string, patch: ActivityPatch): Promise<Activity | undefined> {
      const ends = patch.state !== undefined && !unfinished.includes(patch.state);
      const set = { ...patch, error: toJson(patch.error), ...(ends ? { finishedAt: now() } : {}) };
      if (!isEmptyPatch(set)) await db.updateTable("activities").set(set).where("id", "=", id).execute();
      return get(id);
    },

    /** Marks what was under way as failed, because its daemon is gone; returns those activities. */
    async failUnfinished(error: ErrorDocument): Promise<Activity[]> {
      const rows = await db
        .updateTable("activities")
        .set({ state: "failed", error: toJson(error), finishedAt: now() })
        .where("state", "in", unfinished)
        .returningAll()
        .execute();
      return rows.map(toActivity);
    },
  });
}

function toActivity({ seq: _seq, ...row }: Selectable<Database["activities"]>): Activity {
  return Object.freeze({
    ...row,
    parameters: fromJson<Record<string, unknown>>(row.parameters),
    error: fromErrorJson(row.error),
  });
}

import { newId, type InstanceState } from "@bloomery/contract";
import { defaultLimit } from "./page.js";
import { isEmptyPatch, now } from "./rows.js";
import type { Db } from "./schema.js";
import { insertOf } from "./store-errors.js";

export interface Instance {
  readonly id: string;
  readonly orgName: string;
  readonly appId: string;
  readonly appName: string;
  readonly environmentId: string;
  readonly environmentName: string;
  readonly releaseId: string;
  readonly releaseNumber: number;
  readonly versionId: string;
  readonly versionNumber: number;
  readonly role: string;
  /** From 0 within a role. */
  readonly replica: number;
  readonly state: InstanceState;
  readonly address: string | null;
  readonly createdAt: string;
  readonly endedAt: string | null;
}

/** What is known of an instance alone, without what it belongs to. */
export type InstanceRow = Omit<
  Instance,
  ("orgName" | "appId" | "appName" | "environmentName") | ("releaseNumber" | "versionId" | "versionNumber")
>;

export interface NewInstance {
  /** Made when absent. */
  readonly id?: string;
  readonly environmentId: string;
  readonly releaseId: string;
  readonly role: string;
  readonly replica: number;
  /** `starting` when absent. */
  readonly state?: InstanceState;
  readonly address?: string | null;
}

/** What may change; absent keys stay as they are. */
export interface InstancePatch {
  readonly state?: InstanceState | undefined;
  readonly address?: string | null | undefined;
}

interface InstanceFilter {
  readonly appId?: string | undefined;
  readonly environmentId?: string | undefined;
}

export type Instances = ReturnType<typeof createInstances>;

export function createInstances(db: Db) {
  async function get(id: string): Promise<Instance | undefined> {
    const row = await select(db).where("instances.id", "=", id).executeTakeFirst();
    return row && Object.freeze(row);
  }

  function matching({ appId, environmentId }: InstanceFilter) {
    let query = select(db);
    if (appId !== undefined) query = query.where("apps.id", "=", appId);
    if (environmentId !== undefined) query = query.where("instances.environmentId", "=", environmentId);
    return query;
  }

  return Object.freeze({
    /** Throws ERR_ALREADY_EXISTS, or ERR_NOT_FOUND when environment or release do not exist. */
    async create(instance: NewInstance): Promise<InstanceRow> {
      const { id = newId("instance"), environmentId, releaseId, role, replica } = instance;
      const { state = "starting", address = null } = instance;
      const row = {
        id,
        environmentId,
        releaseId,
        role,
        replica,
        state,
        address,
        createdAt: now(),
        endedAt: null,
      };
      await insertOf(`the instance ${id}`, () => db.insertInto("instances").values(row).execute());
      return Object.freeze(row);
    },

    get,

    /** Those that have not ended, by org, app, environment, role, replica; oldest first where these agree. */
    async listLive(filter: InstanceFilter = {}): Promise<Instance[]> {
      const rows = await matching(filter)
        .where("instances.endedAt", "is", null)
        .orderBy("orgs.name")
        .orderBy("apps.name")
        .orderBy("environments.name")
        .orderBy("instances.role")
        .orderBy("instances.replica")
        .orderBy("instances.createdAt")
        .execute();
      return rows.map((row) => Object.freeze(row));
    },

    /** Newest first, ended ones too. */
    async list(filter: InstanceFilter & { readonly limit?: number } = {}): Promise<Instance[]> {
      const query = matching(filter).orderBy("instances.createdAt", "desc").orderBy("instances.id");
      return (await query.limit(filter.limit ?? defaultLimit).execute()).map((row) => Object.freeze(row));
    },

    /** Harmless when there is none. */
    async update(id: string, { state, address }: InstancePatch): Promise<void> {
      const set = { state, address };
      if (!isEmptyPatch(set)) await db.updateTable("instances").set(set).where("id", "=", id).execute();
    },

    /** Nothing of it runs any more. `stopped`, or `crashed` when nobody wanted that. Harmless when ended before. */
    async end(id: string, state: "stopped" | "crashed" = "stopped"): Promise<void> {
      const query = db.updateTable("instances").set({ state, endedAt: now() }).where("id", "=", id);
      await query.where("endedAt", "is", null).execute();
    },

    /** Forgets all but the newest that ended in this environment; returns how many. */
    async removeBeyond(environmentId: string, kept: number): Promise<number> {
      const result = await db
        .deleteFrom("instances")
        .where("id", "in", (from) =>
          from
            .selectFrom("instances")
            .select("id")
            .where("environmentId", "=", environmentId)
            .where("endedAt", "is not", null)
            .orderBy("createdAt", "desc")
            .orderBy("id")
            .limit(100_000)
            .offset(kept),
        )
        .executeTakeFirst();
      return Number(result.numDeletedRows);
    },

    /** Forgets instances that ended before this ISO time; returns how many. */
    async removeEnded(before: string): Promise<number> {
      const result = await db.deleteFrom("instances").where("endedAt", "<", before).executeTakeFirst();
      return Number(result.numDeletedRows);
    },
  });
}

function select(db: Db) {
  return db
    .selectFrom("instances")
    .innerJoin("environments", "environments.id", "instances.environmentId")
    .innerJoin("apps", "apps.id", "environments.appId")
    .innerJoin("orgs", "orgs.id", "apps.orgId")
    .innerJoin("releases", "releases.id", "instances.releaseId")
    .innerJoin("versions", "versions.id", "releases.versionId")
    .selectAll("instances")
    .select(["orgs.name as orgName", "apps.id as appId", "apps.name as appName"])
    .select(["environments.name as environmentName", "releases.number as releaseNumber"])
    .select(["versions.id as versionId", "versions.number as versionNumber"]);
}

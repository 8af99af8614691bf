import { newId, type DesiredState } from "@bloomery/contract";
import { planSlot } from "./plan-slot.js";
import { fromJson, isEmptyPatch, now, toJson } from "./rows.js";
import type { Db } from "./schema.js";
import { insertOf } from "./store-errors.js";
import { inTransaction, takeTurn } from "./take-turns.js";

export interface Environment {
  readonly id: string;
  readonly orgId: string;
  readonly orgName: string;
  readonly appId: string;
  readonly appName: string;
  readonly name: string;
  /** From 0, unique among all environments: decides the stable network addresses. */
  readonly slot: number;
  readonly desired: DesiredState;
  /** Role → wanted count; roles that are absent have the config's count. */
  readonly replicas: Readonly<Record<string, number>>;
  readonly liveReleaseId: string | null;
  readonly liveReleaseNumber: number | null;
  readonly liveVersionId: string | null;
  readonly liveVersionNumber: number | null;
  /** The version whose `deploy` hook was the last to succeed here. */
  readonly hookedVersionId: string | null;
  readonly createdAt: string;
}

export interface NewEnvironment {
  readonly appId: string;
  readonly name: string;
  /** `running` when absent. */
  readonly desired?: DesiredState;
  readonly replicas?: Readonly<Record<string, number>>;
}

/** What may change; absent keys stay as they are. */
export interface EnvironmentPatch {
  readonly desired?: DesiredState | undefined;
  readonly replicas?: Readonly<Record<string, number>> | undefined;
  readonly liveReleaseId?: string | null | undefined;
  readonly hookedVersionId?: string | null | undefined;
}

export type Environments = ReturnType<typeof createEnvironments>;

export function createEnvironments(db: Db) {
  async function findByName(on: Db, appId: string, name: string): Promise<Environment | undefined> {
    const query = select(on).where("environments.appId", "=", appId).where("environments.name", "=", name);
    const row = await query.executeTakeFirst();
    return row && toEnvironment(row);
  }

  async function insert(tx: Db, { appId, name, desired = "running", replicas = {} }: NewEnvironment) {
    const rows = await tx.selectFrom("environments").select("slot").execute();
    const slot = planSlot(
      rows.map((row) => row.slot),
      0,
    );
    const id = newId("environment");
    const row = {
      id,
      appId,
      name,
      slot,
      desired,
      replicas: toJson(replicas),
      liveReleaseId: null,
      hookedVersionId: null,
      createdAt: now(),
    };
    await insertOf(`the environment ${name}`, () => tx.insertInto("environments").values(row).execute());
    return toEnvironment(await select(tx).where("environments.id", "=", id).executeTakeFirstOrThrow());
  }

  async function get(id: string): Promise<Environment | undefined> {
    const row = await select(db).where("environments.id", "=", id).executeTakeFirst();
    return row && toEnvironment(row);
  }

  return Object.freeze({
    /** Throws ERR_ALREADY_EXISTS, or ERR_NOT_FOUND when the app does not exist. */
    create(environment: NewEnvironment): Promise<Environment> {
      return inTransaction(db, async (tx) => {
        await takeTurn(tx, "environment-slot");
        return insert(tx, environment);
      });
    },

    /** The environment of this name, made when there is none. */
    ensure(
      environment: NewEnvironment,
    ): Promise<{ readonly environment: Environment; readonly created: boolean }> {
      return inTransaction(db, async (tx) => {
        await takeTurn(tx, "environment-slot");
        const found = await findByName(tx, environment.appId, environment.name);
        return { environment: found ?? (await insert(tx, environment)), created: found === undefined };
      });
    },

    get,

    /** What of it decides what runs, without what else is known of it. */
    async getLive(
      id: string,
    ): Promise<Pick<Environment, "desired" | "replicas" | "liveReleaseId"> | undefined> {
      const query = db.selectFrom("environments").select(["desired", "replicas", "liveReleaseId"]);
      const row = await query.where("id", "=", id).executeTakeFirst();
      return row && { ...row, replicas: fromJson(row.replicas) };
    },

    getByName(appId: string, name: string): Promise<Environment | undefined> {
      return findByName(db, appId, name);
    },

    /** By org, app and name: of one app, or all there are. */
    async list(filter: { readonly appId?: string | undefined } = {}): Promise<Environment[]> {
      let query = select(db).orderBy("orgs.name").orderBy("apps.name").orderBy("environments.name");
      if (filter.appId !== undefined) query = query.where("environments.appId", "=", filter.appId);
      return (await query.execute()).map(toEnvironment);
    },

    /** The changed environment; undefined when there is none. */
    async update(id: string, patch: EnvironmentPatch): Promise<Environment | undefined> {
      const set = { ...patch, replicas: toJson(patch.replicas) ?? undefined };
      if (!isEmptyPatch(set)) await db.updateTable("environments").set(set).where("id", "=", id).execute();
      return get(id);
    },

    /** Removes it with its releases, deployments, instances and variables. False when there was none. */
    async remove(id: string): Promise<boolean> {
      const result = await db.deleteFrom("environments").where("id", "=", id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  });
}

function select(db: Db) {
  return db
    .selectFrom("environments")
    .innerJoin("apps", "apps.id", "environments.appId")
    .innerJoin("orgs", "orgs.id", "apps.orgId")
    .leftJoin("releases", "releases.id", "environments.liveReleaseId")
    .leftJoin("versions", "versions.id", "releases.versionId")
    .selectAll("environments")
    .select(["orgs.id as orgId", "orgs.name as orgName", "apps.name as appName"])
    .select(["releases.number as liveReleaseNumber"])
    .select(["versions.id as liveVersionId", "versions.number as liveVersionNumber"]);
}

type Row = Awaited<ReturnType<ReturnType<typeof select>["executeTakeFirstOrThrow"]>>;

function toEnvironment(row: Row): Environment {
  return Object.freeze({ ...row, replicas: fromJson<Record<string, number>>(row.replicas) });
}

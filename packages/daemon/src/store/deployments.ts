import {
  newId,
  type DeploymentKind,
  type DeploymentState,
  type ErrorDocument,
  type Timings,
} from "@bloomery/contract";
import { defaultLimit, type Page } from "./page.js";
import { fromErrorJson, fromJson, isEmptyPatch, now, toJson } from "./rows.js";
import type { Db } from "./schema.js";
import { insertOf } from "./store-errors.js";
import { inTransaction } from "./take-turns.js";

export interface Deployment {
  readonly id: string;
  readonly appId: string;
  readonly environmentId: string;
  readonly environmentName: string;
  readonly kind: DeploymentKind;
  readonly state: DeploymentState;
  readonly tree: string | null;
  readonly buildId: string | null;
  readonly versionId: string | null;
  readonly versionNumber: number | null;
  readonly releaseId: string | null;
  readonly releaseNumber: number | null;
  /** What was live before. */
  readonly previousReleaseId: string | null;
  readonly error: ErrorDocument | null;
  readonly timings: Timings | null;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

export interface NewDeployment {
  /** Made when absent. */
  readonly id?: string;
  readonly environmentId: string;
  readonly kind: DeploymentKind;
  readonly createdBy: string;
  /** `pending` when absent. */
  readonly state?: DeploymentState;
  readonly tree?: string | null;
  readonly buildId?: string | null;
  readonly versionId?: string | null;
  readonly releaseId?: string | null;
  readonly previousReleaseId?: string | null;
}

/** What may change; absent keys stay as they are. */
export interface DeploymentPatch {
  readonly state?: DeploymentState | undefined;
  readonly buildId?: string | null | undefined;
  readonly versionId?: string | null | undefined;
  readonly releaseId?: string | null | undefined;
  readonly previousReleaseId?: string | null | undefined;
  readonly error?: ErrorDocument | null | undefined;
  readonly timings?: Timings | null | undefined;
}

export interface DeploymentPage extends Page<string> {
  readonly environmentId?: string | undefined;
  readonly appId?: string | undefined;
}

export type Deployments = ReturnType<typeof createDeployments>;

const unfinished: readonly DeploymentState[] = ["pending", "building", "starting", "switching"];

export function createDeployments(db: Db) {
  async function get(id: string, on: Db = db): Promise<Deployment | undefined> {
    const row = await select(on).where("deployments.id", "=", id).executeTakeFirst();
    return row && toDeployment(row);
  }

  async function listUnfinished(on: Db = db): Promise<Deployment[]> {
    const rows = await select(on).where("deployments.state", "in", unfinished).orderBy("seq").execute();
    return rows.map(toDeployment);
  }

  return Object.freeze({
    /** Throws ERR_NOT_FOUND when the environment, or something else it names, does not exist. */
    create(deployment: NewDeployment): Promise<Deployment> {
      const {
        id = newId("deployment"),
        environmentId,
        kind,
        createdBy,
        state = "pending",
        tree = null,
      } = deployment;
      const { buildId = null, versionId = null, releaseId = null, previousReleaseId = null } = deployment;
      const row = {
        ...{ id, environmentId, kind, state, tree },
        ...{ buildId, versionId, releaseId, previousReleaseId },
        ...{ error: null, timings: null, createdBy, createdAt: now(), finishedAt: null },
      };
      return inTransaction(db, async (tx) => {
        await insertOf(`the deployment ${id}`, () => tx.insertInto("deployments").values(row).execute());
        return toDeployment(await select(tx).where("deployments.id", "=", row.id).executeTakeFirstOrThrow());
      });
    },

    get: (id: string): Promise<Deployment | undefined> => get(id),

    /** Newest first; `before` is a deployment's id. */
    async list({
      environmentId,
      appId,
      limit = defaultLimit,
      before,
    }: DeploymentPage): Promise<Deployment[]> {
      let query = select(db).orderBy("deployments.seq", "desc").limit(limit);
      if (environmentId !== undefined) query = query.where("deployments.environmentId", "=", environmentId);
      if (appId !== undefined) query = query.where("environments.appId", "=", appId);
      if (before !== undefined) {
        const mark = db.selectFrom("deployments").select("seq").where("id", "=", before);
        query = query.where("deployments.seq", "<", mark);
      }
      return (await query.execute()).map(toDeployment);
    },

    /** Oldest first: those that are neither live nor failed nor superseded. */
    listUnfinished: (): Promise<Deployment[]> => listUnfinished(),

    /** The changed deployment; undefined when there is none. finishedAt is set with the first final state. */
    update(id: string, patch: DeploymentPatch): Promise<Deployment | undefined> {
      return inTransaction(db, async (tx) => {
        const set = { ...patch, error: toJson(patch.error), timings: toJson(patch.timings) };
        if (!isEmptyPatch(set)) await tx.updateTable("deployments").set(set).where("id", "=", id).execute();
        if (patch.state !== undefined && !unfinished.includes(patch.state)) await finish(tx, id);
        return get(id, tx);
      });
    },

    /** Marks what was under way as failed, because its daemon is gone; returns those deployments as they are now. */
    failUnfinished(error: ErrorDocument): Promise<Deployment[]> {
      return inTransaction(db, async (tx) => {
        const lost = await listUnfinished(tx);
        if (lost.length === 0) return [];
        const ids = lost.map(({ id }) => id);
        const failed = { state: "failed", error: toJson(error), finishedAt: now() } as const;
        await tx.updateTable("deployments").set(failed).where("id", "in", ids).execute();
        return (await select(tx).where("deployments.id", "in", ids).orderBy("seq").execute()).map(
          toDeployment,
        );
      });
    },
  });
}

/** A live deployment that is superseded later keeps the time it became live. */
async function finish(tx: Db, id: string): Promise<void> {
  const query = tx.updateTable("deployments").set({ finishedAt: now() }).where("id", "=", id);
  await query.where("finishedAt", "is", null).execute();
}

function select(db: Db) {
  return db
    .selectFrom("deployments")
    .innerJoin("environments", "environments.id", "deployments.environmentId")
    .leftJoin("versions", "versions.id", "deployments.versionId")
    .leftJoin("releases", "releases.id", "deployments.releaseId")
    .selectAll("deployments")
    .select(["environments.appId", "environments.name as environmentName"])
    .select(["versions.number as versionNumber", "releases.number as releaseNumber"]);
}

type Row = Awaited<ReturnType<ReturnType<typeof select>["executeTakeFirstOrThrow"]>>;

function toDeployment({ seq: _seq, ...row }: Row): Deployment {
  return Object.freeze({ ...row, error: fromErrorJson(row.error), timings: fromJson<Timings>(row.timings) });
}

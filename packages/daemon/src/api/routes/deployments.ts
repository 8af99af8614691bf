import { BloomError } from "@bloomery/contract";
import { findApp, findPlace, obtainPlace } from "../../deploy/places.js";
import type { Deployment } from "../../store/deployments.js";
import type { Handlers } from "../handlers.js";
import { viewDeployment, viewVersion } from "../views.js";
import type { ApiContext } from "./context.js";

type Noun = Pick<
  Handlers,
  | "planUpload"
  | "uploadBlobs"
  | "uploadArchive"
  | "createDeployment"
  | "rollback"
  | "redeploy"
  | "listDeployments"
  | "getDeployment"
  | "watchDeployment"
  | "cancelDeployment"
  | "listVersions"
  | "listReleases"
>;

export function createDeploymentHandlers(context: ApiContext): Noun {
  const { store, deployer, sources, views } = context;

  /** A deployment of this very app: one app's token must not read another's. */
  const findDeployment = async (params: {
    org: string;
    app: string;
    deployment: string;
  }): Promise<Deployment> => {
    const { app } = await findApp(store, params);
    const row = await store.deployments.get(params.deployment);
    if (row?.appId !== app.id) {
      throw new BloomError("ERR_NOT_FOUND", `${params.app} has no deployment ${params.deployment}`);
    }
    return row;
  };

  return {
    async planUpload({ body }) {
      const { tree, missing } = await sources.planUpload(body.entries);
      return { tree, missing: [...missing] };
    },
    uploadBlobs: ({ params }, { raw }) => sources.receiveBlobs(params.tree, raw),
    uploadArchive: (_call, { raw }) => sources.receiveArchive(raw),

    async createDeployment({ params, body }, { caller }) {
      await sources.assertComplete(body.tree);
      const place = await obtainPlace(store, params);
      const { tree, folderName, folder, manifestApp, strategy, uploadMs } = body;
      const order = { tree, folderName, folder, manifestApp, strategy, uploadMs };
      return viewDeployment(views, await deployer.deploy(place, order, caller.name));
    },

    async rollback({ params, body }, { caller }) {
      const place = await findPlace(store, params);
      const { version, hooks } = body;
      return viewDeployment(views, await deployer.rollback(place, version, { hooks }, caller.name));
    },

    async redeploy({ params, body }, { caller }) {
      const place = await findPlace(store, params);
      const wish = { kind: "redeploy", strategy: body.strategy } as const;
      return viewDeployment(views, await deployer.restart(place, wish, caller.name));
    },

    async listDeployments({ params, query }) {
      const place = await findPlace(store, params);
      const rows = await store.deployments.list({ environmentId: place.environment.id, limit: query.limit });
      return { deployments: await Promise.all(rows.map((row) => viewDeployment(views, row))) };
    },

    getDeployment: async ({ params }) => viewDeployment(views, await findDeployment(params)),

    async *watchDeployment({ params }, { signal }) {
      const row = await findDeployment(params);
      yield* context.hub.watch(row.id, signal);
    },

    async cancelDeployment({ params }, { caller }) {
      const row = await findDeployment(params);
      context.jobs.cancel(row.id, caller.name);
      return { ok: true };
    },

    async listVersions({ params, query }) {
      const { app } = await findApp(store, params);
      const rows = await store.versions.list({ appId: app.id, limit: query.limit });
      return { versions: await Promise.all(rows.map((row) => viewVersion(store, app, row))) };
    },

    async listReleases({ params, query }) {
      const place = await findPlace(store, params);
      const rows = await store.releases.list({ environmentId: place.environment.id, limit: query.limit });
      const releases = rows.map((row) => ({
        number: row.number,
        version: row.versionNumber,
        live: row.id === place.environment.liveReleaseId,
        createdAt: row.createdAt,
      }));
      return { releases };
    },
  };
}

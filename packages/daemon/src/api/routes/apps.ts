import {
  BloomError,
  formatAppRef,
  type ApiRoutes,
  type AppView,
  type InstanceView,
  type RouteCall,
} from "@bloomery/contract";
import {
  findApp,
  findOrg,
  findPlace,
  namesOf,
  placeOfEnvironment,
  formatPlace,
  type Place,
  type PlaceNames,
} from "../../deploy/places.js";
import { compareInstances, viewInstance } from "../../observe/list-instances.js";
import { isAsked } from "../../run/plan-instance.js";
import { recordActivity } from "../activity.js";
import type { Caller } from "../caller.js";
import type { Handlers } from "../handlers.js";
import { findLiveVersion } from "../live-version.js";
import { viewApp, viewEnvironment } from "../views.js";
import { waitFinished } from "../wait-finished.js";
import type { ApiContext } from "./context.js";

type Noun = Pick<
  Handlers,
  | "listApps"
  | "createApp"
  | "getApp"
  | "deleteApp"
  | "listInstances"
  | "scaleEnvironment"
  | "stopEnvironment"
  | "startEnvironment"
  | "sleepEnvironment"
  | "restartEnvironment"
>;
type InstanceQuery = RouteCall<ApiRoutes["listInstances"]>["query"];

/** Apps that are looked at at the same time: what is read of a thousand is too much to hold at once. */
const together = 10;

export function createAppHandlers(context: ApiContext): Noun {
  const { store, views, operations, deployer } = context;

  /** A change of what runs, recorded, answered with the environment as it is then. */
  const change = async (
    params: { org: string; app: string; environment: string },
    caller: Caller,
    verb: string,
    work: (place: Awaited<ReturnType<typeof findPlace>>) => Promise<void>,
  ): ReturnType<typeof viewEnvironment> => {
    const place = await findPlace(store, params);
    const order = {
      type: `environment.${verb}`,
      actor: caller.name,
      description: `${caller.name} asked ${formatPlace(params)} to ${verb}`,
      orgId: place.org.id,
      appId: place.app.id,
      environment: place.environment.name,
      parameters: { ...params },
    };
    await recordActivity(store, order, () => work(place));
    return viewEnvironment(views, place);
  };

  return {
    async listApps({ query }, { caller }) {
      const orgs = query.org === undefined ? await store.orgs.list() : [await findOrg(store, query.org)];
      const seen = orgs.filter((org) => caller.orgId === null || caller.orgId === org.id);
      const apps: AppView[] = [];
      for (const org of seen) {
        const rows = await store.apps.list({ orgId: org.id });
        const visible = rows.filter((app) => caller.appId === null || caller.appId === app.id);
        for (let index = 0; index < visible.length; index += together) {
          const some = visible.slice(index, index + together);
          apps.push(...(await Promise.all(some.map((app) => viewApp(views, org, app)))));
        }
      }
      return { apps };
    },

    async createApp({ params, body }, { caller }) {
      const org = await findOrg(store, params.org);
      const order = {
        type: "app.create",
        actor: caller.name,
        description: `${caller.name} made the app ${formatAppRef({ org: org.name, app: body.name })}`,
        orgId: org.id,
        parameters: { org: org.name, app: body.name },
      };
      const app = await recordActivity(store, order, () =>
        store.apps.create({ orgId: org.id, name: body.name }),
      );
      return viewApp(views, org, app);
    },

    async getApp({ params }) {
      const { org, app } = await findApp(store, params);
      return viewApp(views, org, app);
    },

    async deleteApp({ params }, { caller }) {
      const { org, app } = await findApp(store, params);
      const order = {
        type: "app.delete",
        actor: caller.name,
        description: `${caller.name} deleted the app ${formatAppRef(params)}`,
        orgId: org.id,
        appId: app.id,
        parameters: { ...params },
      };
      await recordActivity(store, order, () => operations.deleteApp(org, app, caller.name));
      return { ok: true };
    },

    async listInstances({ query }, { caller }) {
      const found = await Promise.all(
        context.fleet.all().map(async (instance): Promise<InstanceView | undefined> => {
          const place = await placeOfEnvironment(store, instance.environmentId);
          if (place === undefined) return undefined;
          if (!isSeen(place, query, caller)) return undefined;
          const release = await store.releases.get(instance.releaseId);
          return viewInstance(instance, { ...namesOf(place), version: release?.versionNumber ?? 0 });
        }),
      );
      const failing = await Promise.all(
        views.healer.failing().map(async (environmentId) => {
          const place = await placeOfEnvironment(store, environmentId);
          if (place === undefined || !isSeen(place, query, caller)) return undefined;
          const { trouble } = await viewEnvironment(views, place);
          return trouble === null ? undefined : { ...namesOf(place), reason: trouble };
        }),
      );
      const sleeping = await Promise.all(
        context.activation.asleep().map(async (environmentId) => {
          const place = await placeOfEnvironment(store, environmentId);
          const version = place?.environment.liveVersionNumber ?? null;
          if (place === undefined || version === null || !isSeen(place, query, caller)) return undefined;
          return { ...namesOf(place), version };
        }),
      );
      return {
        instances: found.filter((instance) => instance !== undefined).toSorted(compareInstances),
        troubles: failing.filter((trouble) => trouble !== undefined),
        sleeping: sleeping.filter((one) => one !== undefined).toSorted(compareSleeping),
      };
    },

    scaleEnvironment: ({ params, body }, { caller }) =>
      change(params, caller, "scale", (place) => operations.scale(place, body.replicas, caller.name)),

    stopEnvironment: ({ params }, { caller }) =>
      change(params, caller, "stop", (place) => operations.stop(place, caller.name)),

    sleepEnvironment: ({ params }, { caller }) =>
      change(params, caller, "sleep", async (place) => {
        const { config } = await findLiveVersion(store, place);
        if (config.shape === "web" && !isAsked(config.web)) {
          throw new BloomError(
            "ERR_INVALID_ARGUMENT",
            `no request ever comes to ${formatPlace(params)}, so none would wake it`,
            { hint: "`bloom stop` ends an app until `bloom start`." },
          );
        }
        const { id, desired } = place.environment;
        if (config.tcp !== null && desired === "running" && !context.activation.hasDoor(id)) {
          throw new BloomError(
            "ERR_INVALID_ARGUMENT",
            `${formatPlace(params)} listens on the machine's own ports, so nobody stands before it who could wake it`,
            {
              hint: "`bloom stop` ends an app until `bloom start`. With a `target_port` other than its `port` it could sleep.",
            },
          );
        }
        await context.activation.sleep(id);
      }),

    async startEnvironment({ params }, { caller, signal }) {
      const place = await findPlace(store, params);
      const row = await deployer.restart(place, { kind: "start" }, caller.name);
      await waitFinished(context, row.id, signal);
      return viewEnvironment(views, place);
    },

    async restartEnvironment({ params }, { caller, signal }) {
      const place = await findPlace(store, params);
      const row = await deployer.restart(place, { kind: "restart" }, caller.name);
      await waitFinished(context, row.id, signal);
      return viewEnvironment(views, place);
    },
  };
}

function compareSleeping(one: PlaceNames, other: PlaceNames): number {
  return formatPlace(one) < formatPlace(other) ? -1 : 1;
}

/** Whether it is asked for, and this caller's to see. */
function isSeen(place: Place, query: InstanceQuery, caller: Caller): boolean {
  const names = namesOf(place);
  return (
    (caller.orgId === null || caller.orgId === place.org.id) &&
    (caller.appId === null || caller.appId === place.app.id) &&
    (query.org === undefined || query.org === names.org) &&
    (query.app === undefined || query.app === names.app) &&
    (query.environment === undefined || query.environment === names.environment)
  );
}

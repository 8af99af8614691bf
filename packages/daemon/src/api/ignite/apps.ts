import { isDeepStrictEqual } from "node:util";
import type { ApiRoutes, RouteCall } from "@bloomery/contract";
import { mergeSettings } from "../../deploy/function/merge-settings.js";
import { nameTier } from "../../deploy/function/plan-function-config.js";
import { findOrg, namesOf } from "../../deploy/places.js";
import { viewInstance } from "../../observe/list-instances.js";
import type { Org } from "../../store/orgs.js";
import type { StoreNouns } from "../../store/open-store.js";
import { recordActivity } from "../activity.js";
import type { Caller } from "../caller.js";
import type { Handlers } from "../handlers.js";
import type { ApiContext } from "../routes/context.js";
import { waitFinished } from "../wait-finished.js";
import { assertEnv, changeEnv } from "./change-env.js";
import { readCode } from "./drafts.js";
import { findFunction } from "./find-function.js";
import { formatId, planWanted, viewFunction, viewLimits, viewState } from "./view-app.js";

type Noun = Pick<
  Handlers,
  | "igniteCreateApp"
  | "igniteListApps"
  | "igniteGetApp"
  | "igniteDeleteApp"
  | "igniteUpdateAppConfig"
  | "igniteGetAppState"
  | "igniteListReplicas"
  | "igniteHealth"
>;
type CreateBody = RouteCall<ApiRoutes["igniteCreateApp"]>["body"];

export function createIgniteAppHandlers(context: ApiContext): Noun {
  const { store, secrets, views, functions, operations, deployer } = context;

  /** Whoever may do everything may name an organization that is still to be made. */
  const obtainOrg = (name: string, caller: Caller): Promise<Org> =>
    caller.role === "admin" && caller.orgId === null ? store.orgs.ensure(name) : findOrg(store, name);

  /** The code is looked at first: an app that was made for nothing would only be in the way. */
  const create = async (org: Org, { name, env = {}, code, ...settings }: CreateBody): Promise<void> => {
    assertEnv(env);
    const merged = mergeSettings({}, settings);
    const received =
      code === undefined ? undefined : await functions.drafts.receive(name, readCode({ code }));
    await store.transaction(async (nouns) => {
      const app = await nouns.apps.create({ orgId: org.id, name });
      await nouns.functions.create(app.id, merged);
      await nouns.environments.create({ appId: app.id, name: "main" });
      await changeEnv(nouns, secrets, app.id, env);
      if (received !== undefined) await nouns.drafts.save(app.id, received);
    });
  };

  const listEnv = async ({ variables }: Pick<StoreNouns, "variables">, appId: string) =>
    (await variables.list({ appId, environmentId: null })).map((row) => [row.name, row.value]);

  return {
    async igniteCreateApp({ params, body }, { caller }) {
      const org = await obtainOrg(params.org, caller);
      const order = {
        type: "app.create",
        actor: caller.name,
        description: `${caller.name} made the function ${org.name}:${body.name}`,
        orgId: org.id,
        parameters: { org: org.name, app: body.name },
      };
      await recordActivity(store, order, () => create(org, body));
      const config = planWanted(mergeSettings({}, body));
      return {
        appId: `${org.name}/${body.name}`,
        deploymentState: "DEPLOYMENT_STATE_CREATED",
        appliedTier: body.resourceTier ?? nameTier(config.limits),
        appliedLimits: viewLimits(config),
      };
    },

    async igniteListApps({ params, query }) {
      const org = await findOrg(store, params.org);
      const page = await store.functions.listApps({
        orgId: org.id,
        limit: query.limit + 1,
        after: query.cursor,
      });
      const rows = page.slice(0, query.limit);
      const apps = await Promise.all(
        rows.map(async ({ name }) =>
          viewFunction(context, await findFunction(store, { org: org.name, app: name })),
        ),
      );
      const last = page.length > query.limit ? rows.at(-1) : undefined;
      return last === undefined ? { apps } : { apps, nextCursor: last.name };
    },

    igniteGetApp: async ({ params }) => viewFunction(context, await findFunction(store, params)),

    async igniteDeleteApp({ params }, { caller }) {
      const { org, app } = await findFunction(store, params);
      const order = {
        type: "app.delete",
        actor: caller.name,
        description: `${caller.name} deleted the function ${org.name}:${app.name}`,
        orgId: org.id,
        appId: app.id,
        parameters: { ...params },
      };
      await recordActivity(store, order, () => operations.deleteApp(org, app, caller.name));
      return { appId: formatId({ org, app }) };
    },

    async igniteUpdateAppConfig({ params, body: { env = {}, ...patch } }, { caller, signal }) {
      const place = await findFunction(store, params);
      const { app } = place;
      assertEnv(env);
      const order = {
        type: "app.config",
        actor: caller.name,
        description: `${caller.name} changed the settings of ${params.org}:${params.app}`,
        orgId: place.org.id,
        appId: app.id,
        environment: place.environment.name,
        // Values of variables are nobody's to read.
        parameters: { ...params, named: [...Object.keys(patch), ...Object.keys(env)] },
      };
      await recordActivity(store, order, async () => {
        const isEnvChanged = await store.transaction(async (nouns) => {
          await nouns.functions.update(app.id, (settings) => mergeSettings(settings, patch));
          const before = await listEnv(nouns, app.id);
          await changeEnv(nouns, secrets, app.id, env);
          return !isDeepStrictEqual(await listEnv(nouns, app.id), before);
        });
        const { liveReleaseId, desired } = place.environment;
        const isLive = liveReleaseId !== null && desired === "running";
        const row =
          (await functions.applySettings(place, caller.name)) ??
          (isEnvChanged && isLive ? await deployer.applyVariables(place, caller.name) : undefined);
        if (row !== undefined) await waitFinished(context, row.id, signal);
      });
      return viewFunction(context, await findFunction(store, params));
    },

    async igniteGetAppState({ params }) {
      const place = await findFunction(store, params);
      const { environment } = place;
      const version =
        environment.liveVersionId === null ? undefined : await store.versions.get(environment.liveVersionId);
      const live = views.fleet.live(environment.id);
      const isWanted = version !== undefined && environment.desired === "running";
      return {
        deploymentState: await viewState(context, place),
        activeVersion: version?.number ?? 0,
        readyReplicas: live.filter(({ status }) => status.state === "ready").length,
        wantedReplicas: isWanted ? Math.max(version.config.function?.minReplicas ?? 0, live.length) : 0,
      };
    },

    async igniteListReplicas({ params }) {
      const place = await findFunction(store, params);
      const replicas = await Promise.all(
        views.fleet.live(place.environment.id).map(async (instance) => {
          const release = await store.releases.get(instance.releaseId);
          const version = release?.versionNumber ?? 0;
          const { id, state, startedAt } = await viewInstance(instance, { ...namesOf(place), version });
          const startedAtMs = startedAt === null ? 0 : Date.parse(startedAt) || 0;
          return { replicaId: id, version, state, startedAtMs };
        }),
      );
      return { replicas };
    },

    igniteHealth: async () => ({ status: "SERVING" }),
  };
}

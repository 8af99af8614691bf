import { isDeepStrictEqual } from "node:util";
import { completeConfig, type AppConfig, type ignite, type JsonValue } from "@bloomery/contract";
import type { input } from "zod";
import { nameTier, planFunctionConfig } from "../../deploy/function/plan-function-config.js";
import { namesOf, urlOf, type Place } from "../../deploy/places.js";
import { tryOpen, type Secrets } from "../../release/secrets.js";
import type { Store } from "../../store/open-store.js";
import type { Version } from "../../store/versions.js";
import type { ViewParts } from "../views.js";

export type AppMeta = input<typeof ignite.appMeta>;

interface Parts {
  readonly store: Store;
  readonly secrets: Secrets;
  readonly views: ViewParts;
}

/** The function as it serves; where it does not, as it is wanted. */
export async function viewFunction(parts: Parts, place: Place): Promise<AppMeta> {
  const { liveVersionId } = place.environment;
  const live = liveVersionId === null ? undefined : await parts.store.versions.get(liveVersionId);
  const settings = (await parts.store.functions.get(place.app.id))?.settings ?? {};
  const wanted = planWanted(settings, live);
  // A version that was gone back to has settings of its own.
  const config = live === undefined || place.environment.desired === "stopped" ? wanted : live.config;
  const tier = isDeepStrictEqual(config.limits, wanted.limits) ? settings.resourceTier : undefined;
  return view(parts, place, config, settings, {
    tier: tier ?? nameTier(config.limits),
    reserved: settings.scaling?.reserved ?? 0,
    version: place.environment.liveVersionNumber ?? 0,
    createdAt: place.app.createdAt,
  });
}

/** The function as one of its versions froze it. */
export async function viewFrozen(parts: Parts, place: Place, version: Version): Promise<AppMeta> {
  const settings = (await parts.store.functions.get(place.app.id))?.settings ?? {};
  const { config, number, createdAt } = version;
  const tier = nameTier(config.limits);
  return view(parts, place, config, settings, { tier, reserved: 0, version: number, createdAt });
}

/** `org/app`, as functions are told who they are. */
export function formatId({ org, app }: Pick<Place, "org" | "app">): string {
  return `${org.name}/${app.name}`;
}

/** What holds for an app that nothing else is known of. */
export function planWanted(settings: ignite.AppSettings, live?: Version): AppConfig {
  const config = live?.config ?? completeConfig({ web: { start: "" }, function: {} });
  return planFunctionConfig(config, settings, live?.facts?.wishes);
}

export function viewLimits({ limits }: AppConfig): { memoryMb: number; cpuMillicores: number } {
  return {
    memoryMb: Math.round(limits.memoryBytes / 1024 ** 2),
    cpuMillicores: Math.round(limits.cpu * 1000),
  };
}

export function nameRuntime(config: AppConfig): string {
  return `rust-${config.function?.target ?? "native"}`;
}

async function view(
  parts: Parts,
  place: Place,
  config: AppConfig,
  settings: ignite.AppSettings,
  facts: {
    readonly tier: ignite.ResourceTier;
    readonly reserved: number;
    readonly version: number;
    readonly createdAt: string;
  },
): Promise<AppMeta> {
  const own = config.function ?? planWanted({}).function;
  if (own === null) throw new Error("a function's config always has one");
  return {
    id: formatId(place),
    name: place.app.name,
    organizationName: place.org.name,
    description: own.description,
    runtime: nameRuntime(config),
    resourceTier: facts.tier,
    limits: { ...viewLimits(config), timeoutSecs: own.timeoutSeconds },
    scaling: {
      minReplicas: own.minReplicas,
      maxReplicas: own.maxReplicas,
      reserved: facts.reserved,
      autoMode: settings.scaling?.autoMode ?? "AUTO_MODE_DISABLED",
      maxConcurrency: own.concurrency,
      queueLimit: own.queueLimit,
      idleSecs: own.idleSeconds,
    },
    maxConcurrency: own.concurrency,
    storageMode: settings.storageMode ?? "PERSISTENT",
    ttlSecs: settings.ttlSecs ?? 0,
    env: await viewEnv(parts, place.app.id),
    deploymentState: await viewState(parts, place),
    activeVersion: place.environment.liveVersionNumber ?? 0,
    version: facts.version,
    inputSchema: formatSchema(own.inputSchema),
    outputSchema: formatSchema(own.outputSchema),
    mcpEnabled: own.mcp,
    allowUnauthenticated: own.allowUnauthenticated,
    keepPayloads: own.keepPayloads,
    url: urlOf(namesOf(place), parts.views.edge),
    createdAtMs: Date.parse(facts.createdAt),
  };
}

async function viewEnv({ store, secrets }: Parts, appId: string): Promise<Record<string, string | null>> {
  const rows = await store.variables.list({ appId, environmentId: null });
  return Object.fromEntries(
    rows
      .filter((row) => row.visibleRuntime)
      .map((row) => [row.name, row.sensitive ? null : tryOpen(secrets, row.value)]),
  );
}

/** What one sees of the function as a whole. */
export async function viewState(
  { store, views }: Pick<Parts, "store" | "views">,
  { environment }: Place,
): Promise<AppMeta["deploymentState"]> {
  const [last] = await store.deployments.list({ environmentId: environment.id, limit: 1 });
  if (last !== undefined && last.finishedAt === null) return "DEPLOYMENT_STATE_DEPLOYING";
  if (environment.liveReleaseId === null)
    return last?.state === "failed" ? "DEPLOYMENT_STATE_FAILED" : "DEPLOYMENT_STATE_CREATED";
  if (environment.desired === "stopped") return "DEPLOYMENT_STATE_STOPPED";
  const states = new Set(views.fleet.live(environment.id).map(({ status }) => status.state));
  if (states.has("ready")) return "DEPLOYMENT_STATE_READY";
  const isBroken = states.has("crashed") || views.healer.failureOf(environment.id) !== null;
  return isBroken ? "DEPLOYMENT_STATE_FAILED" : "DEPLOYMENT_STATE_SLEEPING";
}

function formatSchema(schema: JsonValue | null): string {
  return schema === null ? "" : JSON.stringify(schema);
}

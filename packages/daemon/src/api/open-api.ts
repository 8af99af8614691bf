import { join } from "node:path";
import type { PlatformStatus } from "@bloomery/contract";
import type { FastifyBaseLogger } from "fastify";
import type { BuildStage } from "../deploy/build-port.js";
import type { Edge } from "../deploy/edge.js";
import { hookLogFile } from "../deploy/hooks/hook-log.js";
import { namesOf, type Place } from "../deploy/places.js";
import type { Routing } from "../deploy/routing.js";
import { describeSandbox } from "../deploy/sandbox-status.js";
import { planServed } from "../deploy/served.js";
import type { HomePaths } from "../home.js";
import { findPortHolder } from "../route/find-port-holder.js";
import type { RouteTarget } from "../route/plan-routes.js";
import type { HostFacts } from "../run/probe-host.js";
import type { Settings } from "../settings.js";
import type { Caller } from "./caller.js";
import { explainRequest } from "./explain-request.js";
import { listenApi, writeApiFile } from "./listen.js";
import { findLiveVersion } from "./live-version.js";
import type { ApiContext } from "./routes/context.js";
import { createHandlers } from "./routes/index.js";
import { createApiServer } from "./server.js";

/** What the API stands on besides what its routes are given as it is. */
export interface ApiParts extends Omit<
  ApiContext,
  "status" | "sources" | "logFiles" | "explainRoute" | "shutdown"
> {
  readonly settings: Settings;
  readonly paths: HomePaths;
  readonly host: HostFacts;
  readonly startedAt: string;
  readonly edge: Edge;
  readonly routing: Routing;
  readonly build: BuildStage;
  readonly authenticate: (secret: string) => Promise<Caller | undefined>;
  readonly stop: (apps: boolean) => Promise<void>;
  readonly log: FastifyBaseLogger;
}

/** What clients on this machine find the daemon by. */
export interface ApiFacts {
  readonly apiUrl: string;
  readonly socket: string;
  readonly pid: number;
  readonly httpPort: number;
  readonly version: string;
}

/** Answers from now on, and says where in the home. Throws ERR_PORT_TAKEN. */
export async function openApi(
  parts: ApiParts,
): Promise<{ readonly facts: ApiFacts; close(): Promise<void> }> {
  const { settings, paths, edge, routing, build, store, version } = parts;
  const targetOf = async (place: Place): Promise<RouteTarget> => {
    const { config, artifact } = await findLiveVersion(store, place);
    return routing.planTarget(edge.route(planServed(place, config, build.artifactDir(artifact))));
  };
  const app = createApiServer({
    handlers: createHandlers({
      ...parts,
      status: async () => viewPlatform(parts, apiUrl, await routing.status()),
      shutdown: (apps) => void parts.stop(apps),
      sources: build.sources,
      logFiles: {
        instanceDir: (id) => join(paths.instances, id, "log"),
        build: build.logFile,
        hook: (environmentId, hook) => hookLogFile(paths.logs, environmentId, hook),
        ...routing.logFiles,
        hostNamesOf: async (place) => routing.hostNamesOf(namesOf(place)),
      },
      explainRoute: async (place, request) => explainRequest(await targetOf(place), request),
    }),
    authenticate: parts.authenticate,
    tools: { store, version, invoker: parts.invocations.invoker },
    log: parts.log,
    allowedHosts: ["localhost", "127.0.0.1", "[::1]", settings.apiAddress],
  });
  const api = await listenApi(app, {
    address: settings.apiAddress,
    port: settings.apiPort,
    socket: paths.apiSocket,
    describeHolder: findPortHolder,
  });
  const apiUrl = `http://${settings.apiAddress}:${api.port}`;
  const facts = { apiUrl, socket: paths.apiSocket, pid: process.pid, httpPort: settings.httpPort, version };
  await writeApiFile(paths.apiFile, facts);
  return { facts, close: api.close };
}

async function viewPlatform(
  { settings, host, startedAt, store, version }: ApiParts,
  apiUrl: string,
  nginx: PlatformStatus["nginx"],
): Promise<PlatformStatus> {
  return {
    pid: process.pid,
    version,
    startedAt,
    home: settings.home,
    apiUrl,
    httpAddress: settings.httpAddress,
    httpPort: settings.httpPort,
    baseDomain: settings.baseDomain,
    nginx,
    sandbox: await describeSandbox(host),
    store: store.kind,
  };
}

import { availableParallelism } from "node:os";
import { hostNameOf, type AppConfig, type MountConfig, type PlatformStatus } from "@bloomery/contract";
import type { HomePaths } from "../home.js";
import { assertRoutable } from "../route/assert-routable.js";
import { findSetpriv } from "../route/low-ports.js";
import { findModules } from "../route/nginx-modules.js";
import { planNginxPaths } from "../route/nginx-paths.js";
import { planNginx } from "../route/plan-nginx.js";
import { planRoutes, type RouteTarget } from "../route/plan-routes.js";
import { openNginx, readNginxVersion } from "../route/run-nginx.js";
import type { HostNetwork } from "../run/network/open-network.js";
import { planRelaySocket } from "../run/plan-relays.js";
import type { HostFacts } from "../run/probe-host.js";
import type { Settings } from "../settings.js";
import type { Store } from "../store/open-store.js";
import type { RoutedEnvironment, Switchboard } from "./edge.js";
import { planPatience } from "./activation/plan-door.js";
import { lockNameOf } from "./environment-lock.js";
import { assertSchemas, planShapeFor } from "./function/plan-shape.js";
import type { PlaceNames } from "./places.js";
import { openTcpEdge } from "./tcp/open-tcp-edge.js";
import { assertReached, planStreams, type DoorPath } from "./tcp/plan-streams.js";
import { findUsable } from "./tcp/tcp-addresses.js";
import { openSwitchboard } from "./switchboard.js";

export interface Routing {
  openSwitchboard(network: HostNetwork | null): Promise<Switchboard>;
  /** Plans nginx's configuration and puts it in force. */
  applyRoutes(served: readonly RoutedEnvironment[]): Promise<void>;
  /**
   * Throws ERR_MANIFEST_INVALID when nginx would refuse what the environment's config says, ERR_SCHEMA_INVALID, or
   * ERR_PORT_TAKEN when one of `others`, or another process, has a port of it. Before it is built it has no files.
   */
  assertRoutable(
    served: RoutedEnvironment,
    others: readonly RoutedEnvironment[],
    isBuilt: boolean,
  ): Promise<void>;
  /** All names an environment is reached by. */
  hostNamesOf(names: PlaceNames): readonly string[];
  readonly logFiles: { readonly access: string; readonly error: string };
  /** What nginx writes about raw TCP. */
  readonly streamLogs: { readonly connections: string; readonly ended: string };
  /** What nginx is told of one environment. */
  planTarget(served: RoutedEnvironment): RouteTarget;
  /** Whom nginx's workers run as; null: as the daemon. */
  readonly workerOwner: { readonly uid: number; readonly gid: number } | null;
  status(): Promise<PlatformStatus["nginx"]>;
  stop(): Promise<void>;
  close(): void;
}

const noDoor = (): null => null;
const firstUnprivilegedPort = 1024;
/** `nobody` and `nogroup`. */
const nobody = { uid: 65_534, gid: 65_534 } as const;

/** Ties the route stage together: which nginx, as whom, with which configuration. */
export async function openRouting(parts: {
  readonly settings: Settings;
  readonly paths: HomePaths;
  readonly host: HostFacts;
  readonly holdPath: (environment: { readonly slot: number }) => string;
  /** Without it connections to a tcp app that sleeps are closed at once. */
  readonly doorPath?: DoorPath;
  readonly store: Pick<Store, "locks">;
  /** Where a mount lies on the host; null for mounts that belong to one instance. */
  readonly mountPath: (environmentId: string, mount: MountConfig) => string | null;
  readonly log: { warn(fields: object, text: string): void };
}): Promise<Routing> {
  const { settings, paths, host } = parts;
  const version = await readNginxVersion(host.nginx);
  // Slot 0 of the uid range is nobody's app: it is nginx's own user.
  const edgeUser = host.isRoot ? { uid: settings.uidBase, gid: settings.uidBase } : null;
  const isPrivileged = settings.httpPort < firstUnprivilegedPort;
  const listen = { address: settings.httpAddress, port: settings.httpPort };
  const user = isPrivileged ? null : edgeUser;
  const setpriv = user === null ? null : await findSetpriv(user);
  const program = { binary: host.nginx, version, user, setpriv };
  const nginx = await openNginx({
    prefix: paths.nginx,
    program,
    shimPath: settings.shimPath,
    listen,
    log: parts.log,
  });
  const { modules, lost, asksAuthority, stream } = await findModules(host.nginx);
  if (lost.length > 0) parts.log.warn({ lost }, "nginx lacks modules");
  const facts = {
    paths: planNginxPaths(paths.nginx),
    listen: [listen],
    version,
    modules,
    stream: stream && { ...stream, addresses: await findUsable(settings.tcpAddresses, parts.log) },
    workers: Math.min(4, availableParallelism()),
    workerUser: isPrivileged && edgeUser !== null ? { user: "nobody", group: "nogroup" } : null,
  };

  const workerOwner = isPrivileged && edgeUser !== null ? nobody : edgeUser;

  const hostNamesOf = (names: PlaceNames): string[] => [
    hostNameOf(names, names.environment, settings.baseDomain),
  ];
  const planShape = planShapeFor({ folder: paths.upstreams, asksAuthority });
  const planTarget = (one: RoutedEnvironment): RouteTarget => ({
    environmentId: one.id,
    org: one.org,
    app: one.app,
    environment: one.environment,
    ...planShape(one),
    streams: planStreams(one, {
      doorPath: parts.doorPath ?? noDoor,
      relayPath: (id, port) => planRelaySocket(paths.upstreams, id, port),
    }),
    hostNames: one.config.shape === "tcp" ? [] : hostNamesOf(one),
    servers: one.upstreams,
    locations: one.config.web.locations,
    artifactDir: one.artifactDir,
    mounts: Object.entries(one.config.mounts).flatMap(([path, mount]) => {
      const source = parts.mountPath(one.id, mount);
      return source === null ? [] : [{ path, source }];
    }),
    holdSocket: parts.holdPath(one),
    holdSeconds: longestWait(one.config),
    sleeps: one.config.sleep !== null,
    timeouts: one.config.web.timeouts,
    state: one.desired,
  });

  const isChanging = async (environmentId: string): Promise<boolean> =>
    (await parts.store.locks.get(lockNameOf(environmentId))) !== undefined;
  const tcp = await openTcpEdge({
    ...{ settings, paths, nginx, program, stream: facts.stream, isChanging },
    bring: (routes) => nginx.apply(planNginx(routes, facts)),
    log: parts.log,
  });

  return {
    planTarget,
    hostNamesOf,
    logFiles: { access: facts.paths.accessLog, error: facts.paths.errorLog },
    streamLogs: { connections: facts.paths.streamLog, ended: facts.paths.streamAccessLog },
    workerOwner,
    applyRoutes: (served) => tcp.apply(planRoutes(served.map(planTarget))),
    async assertRoutable(one, others, isBuilt) {
      assertSchemas(one.config);
      assertReached(one);
      const target = planTarget(one);
      await tcp.assertFree(target, others.map(planTarget));
      await assertRoutable({ ...program, modules, stream }, target, isBuilt);
    },

    openSwitchboard: (network) => openSwitchboard({ folder: paths.upstreams, owner: workerOwner, network }),

    async status() {
      const pid = await nginx.pid();
      return { running: pid !== undefined, pid: pid ?? null, version: version.join(".") };
    },
    stop() {
      tcp.close();
      return nginx.stop();
    },
    close() {
      tcp.close();
      nginx.close();
    },
  };
}

/** Seconds a request may wait for somebody to serve it: the end of a deployment, or of a start. */
function longestWait(config: AppConfig): number {
  const { holdSeconds } = config.deploy;
  return config.sleep === null ? holdSeconds : Math.max(holdSeconds, Math.ceil(planPatience(config) / 1000));
}

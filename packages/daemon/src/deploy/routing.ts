import { availableParallelism } from "node:os";
import { join } from "node:path";
import { hostNameOf, type PlatformStatus } from "@bloomery/contract";
import type { HomePaths } from "../home.js";
import { planNginxPaths } from "../route/nginx-paths.js";
import { planNginx } from "../route/plan-nginx.js";
import { planRoutes, type RouteTarget } from "../route/plan-routes.js";
import { openNginx, readNginxVersion } from "../route/run-nginx.js";
import { clearUnix, switchUnix } from "../route/switch-unix.js";
import type { InstanceAddress } from "../run/engines/engine.js";
import type { HostNetwork } from "../run/network/open-network.js";
import type { HostFacts } from "../run/probe-host.js";
import type { Settings } from "../settings.js";
import type { ServedEnvironment, Switchboard } from "./edge.js";

export interface Routing {
  openSwitchboard(network: HostNetwork | null): Promise<Switchboard>;
  /** Plans nginx's configuration and puts it in force. */
  applyRoutes(
    served: readonly (ServedEnvironment & { readonly upstreams: readonly InstanceAddress[] })[],
  ): Promise<void>;
  status(): Promise<PlatformStatus["nginx"]>;
  stop(): Promise<void>;
  close(): void;
}

const firstUnprivilegedPort = 1024;

/** Ties the route stage together: which nginx, as whom, with which configuration. */
export async function openRouting(parts: {
  readonly settings: Settings;
  readonly paths: HomePaths;
  readonly host: HostFacts;
  readonly log: { warn(fields: object, text: string): void };
}): Promise<Routing> {
  const { settings, paths, host } = parts;
  const version = await readNginxVersion(host.nginx);
  // Slot 0 of the uid range is nobody's app: it is nginx's own user.
  const edgeUser = host.isRoot ? { uid: settings.uidBase, gid: settings.uidBase } : null;
  const isPrivileged = settings.httpPort < firstUnprivilegedPort;
  const listen = { address: settings.httpAddress, port: settings.httpPort };
  const nginx = await openNginx({
    prefix: paths.nginx,
    program: { binary: host.nginx, version, user: isPrivileged ? null : edgeUser },
    shimPath: settings.shimPath,
    listen,
    log: parts.log,
  });
  const facts = {
    paths: planNginxPaths(paths.nginx),
    listen: [listen],
    version,
    workers: Math.min(4, availableParallelism()),
    workerUser: isPrivileged && edgeUser !== null ? { user: "nobody", group: "nogroup" } : null,
  };

  return {
    applyRoutes(served) {
      const targets = served.map((one): RouteTarget => ({
        environmentId: one.id,
        org: one.org,
        app: one.app,
        environment: one.environment,
        shape: "web",
        hostNames: [hostNameOf(one, one.environment, settings.baseDomain)],
        servers: one.upstreams,
        locations: one.config.web.locations,
        artifactDir: one.artifactDir,
        state: one.desired,
      }));
      return nginx.apply(planNginx(planRoutes(targets), facts));
    },

    async openSwitchboard(network) {
      const mapped = new Set((await network?.currentMap())?.keys());
      const stablePath = (name: string): string => join(paths.upstreams, `${name}.sock`);
      return {
        stableAddress: (index) => network?.stableAddress(index) ?? "",
        async setCurrent(stable, address) {
          // Most stable names of most environments lead nowhere and never did.
          if (address === null && !mapped.has(stable)) return;
          await network?.setCurrent(stable, address);
          if (address === null) mapped.delete(stable);
          else mapped.add(stable);
        },
        stablePath,
        async setPath(name, socket) {
          if (socket === null) await clearUnix(stablePath(name));
          else await switchUnix(stablePath(name), socket, edgeUser);
        },
      };
    },

    async status() {
      const pid = await nginx.pid();
      return { running: pid !== undefined, pid: pid ?? null, version: version.join(".") };
    },
    stop: () => nginx.stop(),
    close: () => nginx.close(),
  };
}

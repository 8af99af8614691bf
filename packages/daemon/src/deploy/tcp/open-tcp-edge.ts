import type { HomePaths } from "../../home.js";
import type { PortHolder } from "../../route/assert-ports.js";
import { readFirstOpenPort } from "../../route/low-ports.js";
import { planNginxPaths } from "../../route/nginx-paths.js";
import type { Nginx } from "../../route/open-nginx.js";
import type { NginxProgram } from "../../route/plan-nginx-spec.js";
import type { RoutingTable } from "../../route/plan-routes.js";
import type { StreamFacts } from "../../route/plan-stream.js";
import type { Settings } from "../../settings.js";
import { createTcpPorts, type TcpPorts } from "./open-ports.js";
import { createPortClaims } from "./port-claims.js";

/** How long a port that somebody else has is left alone. */
const defaultRetryMs = 10_000;

export interface TcpEdge {
  readonly assertFree: TcpPorts["assertFree"];
  /** Puts routes in force, without the ports that cannot be opened at present; those are tried again by themselves. */
  apply(routes: RoutingTable): Promise<void>;
  close(): void;
}

/** The public ports of this platform. `bring` gives nginx the routes. */
export async function openTcpEdge(parts: {
  readonly settings: Pick<Settings, "apiPort" | "httpPort">;
  readonly paths: Pick<HomePaths, "nginx">;
  readonly nginx: Nginx;
  readonly program: NginxProgram;
  readonly stream: StreamFacts | null;
  /** Whether something that changes what runs in the environment is under way. */
  readonly isChanging: (environmentId: string) => Promise<boolean>;
  readonly bring: (routes: RoutingTable) => Promise<void>;
  readonly log: { warn(fields: object, text: string): void };
  readonly retryMs?: number;
}): Promise<TcpEdge> {
  const { settings, nginx, program, stream, log } = parts;
  const ports = createTcpPorts({
    ...{ nginx, program, stream, log },
    firstOpenPort: await readFirstOpenPort(),
    platform: listPlatform(settings),
    claims: createPortClaims(parts.isChanging),
    tls: { folder: planNginxPaths(parts.paths.nginx).tls, owner: program.user },
  });
  let again: NodeJS.Timeout | undefined;
  let isClosed = false;

  const apply = async (wanted: RoutingTable): Promise<void> => {
    clearTimeout(again);
    const { routes, missing, settle } = await ports.admit(wanted);
    try {
      await parts.bring(routes);
    } catch (error) {
      await settle(false);
      throw error;
    }
    await settle(true);
    clearTimeout(again);
    if (missing.length === 0 || isClosed) return;
    again = setTimeout(() => {
      apply(wanted).catch((err: unknown) => log.warn({ err }, "ports that were taken cannot be opened"));
    }, parts.retryMs ?? defaultRetryMs).unref();
  };

  return {
    assertFree: ports.assertFree,
    apply,
    close() {
      isClosed = true;
      clearTimeout(again);
    },
  };
}

function listPlatform({ apiPort, httpPort }: Pick<Settings, "apiPort" | "httpPort">): readonly PortHolder[] {
  return [
    { port: httpPort, holder: "the platform, for apps that speak HTTP", instead: start("http-port") },
    ...(apiPort === 0 ? [] : [{ port: apiPort, holder: "the platform's API", instead: start("api-port") }]),
  ];
}

function start(flag: string): string {
  return `start the platform with another --${flag}`;
}

import { join } from "node:path";
import { BloomError, type TcpConfig, type TcpPortConfig } from "@bloomery/contract";
import type { StreamTarget } from "../../route/plan-routes.js";
import { machineAddress, type RoutedEnvironment } from "../edge.js";

/** The socket that takes a port's connections while its app sleeps or starts; null: there is none. */
export type DoorPath = (environment: RoutedEnvironment, port: number) => string | null;

/** The socket by which clients of one of the app's own ports are announced, where instances have no addresses. */
export type RelayPath = (environmentId: string, targetPort: number) => string;

/**
 * The public ports of a tcp app. Its replicas have one stable address each, on which every port of the app is reached.
 * In the machine's own network they have none: there the app's own listener is what clients find, and only ports that
 * are to be others are led.
 */
export function planStreams(
  one: RoutedEnvironment,
  { doorPath, relayPath }: { readonly doorPath: DoorPath; readonly relayPath: RelayPath },
): readonly StreamTarget[] {
  if (one.upstreams.length === 0) return [];
  const isOwn = isOnMachine(one);
  const addresses = isOwn
    ? [machineAddress]
    : one.upstreams.flatMap((upstream) => (upstream.kind === "tcp" ? upstream.address : []));
  const ports = one.config.tcp?.ports ?? [];
  const serversOf = ({ targetPort, proxyProtocol }: TcpPortConfig): StreamTarget["servers"] =>
    isOwn && proxyProtocol === "v2"
      ? [{ kind: "unix", path: relayPath(one.id, targetPort) }]
      : addresses.map((address) => ({ kind: "tcp", address, port: targetPort }));
  return ports
    .filter(({ port, targetPort }) => !isOwn || port !== targetPort)
    .map((port) => ({
      port: port.port,
      servers: serversOf(port),
      backup: doorPath(one, port.port),
      proxyProtocol: port.proxyProtocol,
      tls: port.tls === null ? null : tlsOf(one.artifactDir, port.tls),
      allow: port.allow,
      maxConnections: port.maxConnections,
      maxConnectionsPerAddress: port.maxConnectionsPerAddress,
      idleSeconds: port.idleSeconds,
    }));
}

/** Throws ERR_MANIFEST_INVALID when the edge is to do something for connections that never come by it. */
export function assertReached(one: RoutedEnvironment): void {
  if (!isOnMachine(one) || one.config.tcp === null) return;
  if (one.replicas > 1) {
    throw new BloomError(
      "ERR_MANIFEST_INVALID",
      `the ${one.replicas} replicas of this app would all listen on the same ports of this machine`,
      {
        hint: 'Write `replicas = 1` in [run], and `bloom scale APP web=default` where more were set; or run the platform as root, without network = "host".',
      },
    );
  }
  if (one.config.sleep !== null && !areLed(one.config.tcp)) {
    throw new BloomError(
      "ERR_MANIFEST_INVALID",
      "this app listens on the machine's own ports, so nobody stands before it who could wake it",
      {
        hint: "Leave `min_replicas` and `idle_seconds` out of [run]; or let the app listen on other ports and name each as `target_port`; or run the platform as root.",
      },
    );
  }
  for (const port of one.config.tcp.ports) {
    const wish = wishOf(port);
    if (port.port !== port.targetPort || wish === undefined) continue;
    throw new BloomError(
      "ERR_MANIFEST_INVALID",
      `port ${port.port} is the app's own listener here, so nothing stands before it that could see to \`${wish}\``,
      {
        hint: 'Let the app listen on another port and name it as `target_port`; or run the platform as root, without network = "host".',
      },
    );
  }
}

/**
 * Whether nginx stands before all ports of an app on the machine's own network. A door knows nothing of what makes v2 of
 * the PROXY protocol.
 */
export function areLed({ ports }: TcpConfig): boolean {
  return (
    ports.length > 0 &&
    ports.every(({ port, targetPort, proxyProtocol }) => port !== targetPort && proxyProtocol !== "v2")
  );
}

function wishOf(port: TcpPortConfig): string | undefined {
  if (port.tls !== null) return "tls";
  if (port.proxyProtocol !== null) return "proxy_protocol";
  if (port.allow.length > 0) return "allow";
  if (port.maxConnections !== null) return "max_connections";
  return port.maxConnectionsPerAddress === null ? undefined : "max_connections_per_address";
}

/** Whether instances have no addresses of their own. */
function isOnMachine({ upstreams }: RoutedEnvironment): boolean {
  return upstreams.some(({ kind }) => kind === "unix");
}

function tlsOf(
  folder: string,
  { certificate, key }: { readonly certificate: string; readonly key: string },
): NonNullable<StreamTarget["tls"]> {
  return { certificate: join(folder, certificate), key: join(folder, key) };
}

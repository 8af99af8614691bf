import { join } from "node:path";
import { BloomError, type TcpPortConfig } from "@bloomery/contract";
import type { StreamTarget } from "../../route/plan-routes.js";
import type { InstanceAddress } from "../../run/engines/engine.js";
import type { RoutedEnvironment } from "../edge.js";

/** The socket that takes a port's connections while its app sleeps or starts; null: there is none. */
export type DoorPath = (environment: RoutedEnvironment, port: number) => string | null;

/**
 * The public ports of a tcp app. Its replicas have one stable address each, on which every port of the app is reached;
 * without addresses of their own there is one socket each, which leads to a single port: then the others are left out.
 */
export function planStreams(one: RoutedEnvironment, doorPath: DoorPath): readonly StreamTarget[] {
  if (one.upstreams.length === 0) return [];
  return listReached(one).map((port) => ({
    port: port.port,
    servers: one.upstreams.map((upstream) => serverOf(upstream, port.targetPort)),
    backup: doorPath(one, port.port),
    proxyProtocol: port.proxyProtocol,
    tls: port.tls === null ? null : tlsOf(one.artifactDir, port.tls),
    allow: port.allow,
    maxConnections: port.maxConnections,
    maxConnectionsPerAddress: port.maxConnectionsPerAddress,
    idleSeconds: port.idleSeconds,
  }));
}

/** Throws ERR_MANIFEST_INVALID when the app has ports that cannot be reached here. */
export function assertReached(one: RoutedEnvironment): void {
  const ports = one.config.tcp?.ports ?? [];
  if (listReached(one).length === ports.length) return;
  throw new BloomError("ERR_MANIFEST_INVALID", "the app has several ports, and here only one can be served", {
    hint: "Run the platform as root: then apps have addresses of their own. Or keep one [[tcp]].",
  });
}

function listReached({ config, upstreams }: RoutedEnvironment): readonly TcpPortConfig[] {
  const ports = config.tcp?.ports ?? [];
  const hasSockets = upstreams.some((upstream) => upstream.kind === "unix");
  return hasSockets ? ports.filter(({ targetPort }) => targetPort === ports[0]?.targetPort) : ports;
}

function serverOf(upstream: InstanceAddress, port: number): InstanceAddress {
  return upstream.kind === "unix" ? upstream : { ...upstream, port };
}

function tlsOf(
  folder: string,
  { certificate, key }: { readonly certificate: string; readonly key: string },
): NonNullable<StreamTarget["tls"]> {
  return { certificate: join(folder, certificate), key: join(folder, key) };
}

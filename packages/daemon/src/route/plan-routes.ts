import { isIP } from "node:net";
import { BloomError, type AppShape, type LocationConfig, type TimeoutsConfig } from "@bloomery/contract";
import type { InstanceAddress } from "../run/engines/engine.js";

/** What one environment wants from nginx. */
export interface RouteTarget {
  readonly environmentId: string;
  readonly org: string;
  readonly app: string;
  readonly environment: string;
  readonly shape: AppShape;
  /** Null for every other shape. */
  readonly function: FunctionRoute | null;
  /** Ports of a tcp app; empty for every other shape. */
  readonly streams: readonly StreamTarget[];
  /** Without a port; the first one names the server in logs. Empty for a tcp app: no request is for it. */
  readonly hostNames: readonly string[];
  /** Names that never change (stable addresses, sockets that are switched), one for each replica. */
  readonly servers: readonly InstanceAddress[];
  readonly locations: Readonly<Record<string, LocationConfig>>;
  /** The release's tree on the host, for locations with a `root`; null: nothing static. */
  readonly artifactDir: string | null;
  /** Folders on the host (`source`) that stand for a path below `/app`, without slashes at its ends. */
  readonly mounts: readonly RouteMount[];
  /** Absolute path of the socket that takes requests while no server does. Null: they get the 502 page at once. */
  readonly holdSocket: string | null;
  /** Longest time a request may be held, or wait for its app to wake. */
  readonly holdSeconds: number;
  /** Whether that is whom it sleeps behind when nobody asks. */
  readonly sleeps: boolean;
  readonly timeouts: TimeoutsConfig;
  /** What its owner wants: a stopped app answers 503. */
  readonly state: "running" | "stopped";
}

/** One public port, whose connections nginx passes on byte by byte. */
export interface StreamTarget {
  readonly port: number;
  /** Names that never change, one for each replica; a connection goes to the one that has fewest. */
  readonly servers: readonly InstanceAddress[];
  /** Absolute path of the socket that takes connections while no server does. Null: they are closed at once. */
  readonly backup: string | null;
  /** nginx speaks v1 in either case: whoever is to be told by v2 has a relay between. */
  readonly proxyProtocol: "v1" | "v2" | null;
  /** Absolute paths. */
  readonly tls: { readonly certificate: string; readonly key: string } | null;
  /** Addresses and networks; empty: everyone. */
  readonly allow: readonly string[];
  readonly maxConnections: number | null;
  readonly maxConnectionsPerAddress: number | null;
  readonly idleSeconds: number;
}

/** What nginx has to know of a function: every request is its handler's. */
export interface FunctionRoute {
  /**
   * Who may call: anyone, whoever has a bearer token that the authority at this socket knows, or nobody, because this
   * nginx cannot ask.
   */
  readonly access:
    | { readonly kind: "anyone" }
    | { readonly kind: "bearer"; readonly authority: string }
    | { readonly kind: "refused" };
  /** Longest time one execution may take; 0: no limit. */
  readonly timeoutSeconds: number;
  /** The socket of who holds requests, and `answers` too, against schemas. Null: the function has none. */
  readonly gate: { readonly socket: string; readonly answers: boolean } | null;
}

export interface RouteMount {
  readonly path: string;
  readonly source: string;
}

export type RoutingTable = readonly RouteTarget[];

const hostName =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/**
 * The routing table: host names in lower case, everything in a fixed order, so that the same apps always
 * give the same nginx text. Throws ERR_ALREADY_EXISTS when two environments claim one host name. A port belongs to one
 * environment too: `assertRoutable` refuses a second one, and where there is one all the same it goes without.
 */
export function planRoutes(targets: readonly RouteTarget[]): RoutingTable {
  const owners = new Map<string, RouteTarget>();
  const table = targets.map((target) => {
    const hostNames = [...new Set(target.hostNames.map((name) => name.toLowerCase()))];
    for (const name of hostNames) {
      if (!hostName.test(name)) throw new BloomError("ERR_INVALID_NAME", `\`${name}\` is not a host name`);
      const owner = owners.get(name);
      if (owner !== undefined) throw taken(name, owner, target);
      owners.set(name, target);
    }
    target.servers.forEach(assertServer);
    target.streams.forEach(assertStream);
    return Object.freeze({ ...target, hostNames });
  });
  const sorted = table.sort(
    (a, b) =>
      compare(a.hostNames[0] ?? "", b.hostNames[0] ?? "") || compare(a.environmentId, b.environmentId),
  );
  return planPorts(sorted);
}

/** Each port to the first that wants it. */
function planPorts(targets: readonly RouteTarget[]): RoutingTable {
  const given = new Set<number>();
  return targets.map((target) => {
    const streams = target.streams.filter(({ port }) => !given.has(port) && given.add(port));
    return streams.length === target.streams.length ? target : Object.freeze({ ...target, streams });
  });
}

function assertStream({ port, servers, backup, ...limits }: StreamTarget): void {
  servers.forEach(assertServer);
  if (backup !== null) assertServer({ kind: "unix", path: backup });
  const counts = [limits.maxConnections ?? 1, limits.maxConnectionsPerAddress ?? 1, limits.idleSeconds];
  const areFine = counts.every((count) => Number.isSafeInteger(count) && count > 0);
  if (!areFine || !isPort(port) || servers.length === 0)
    throw new BloomError("ERR_INTERNAL", `${JSON.stringify({ port, servers, limits })} is no port for nginx`);
  const strange = limits.allow.find((text) => !isNetwork(text));
  if (strange !== undefined)
    throw new BloomError("ERR_MANIFEST_INVALID", `port ${port} allows \`${strange}\`, which is no network`, {
      hint: "Write an address or a network, such as 10.0.0.0/8 or 2001:db8::/32.",
    });
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

/** An address, or one with the length of a prefix. */
function isNetwork(text: string): boolean {
  const [, address = "", length] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(length ?? 0) <= (family === 4 ? 32 : 128);
}

function assertServer(server: InstanceAddress): void {
  const isFine =
    server.kind === "unix" ? server.path.startsWith("/") : isIP(server.address) !== 0 && isPort(server.port);
  if (!isFine) throw new BloomError("ERR_INTERNAL", `${JSON.stringify(server)} is not an address for nginx`);
}

function taken(name: string, owner: RouteTarget, other: RouteTarget): BloomError {
  const say = ({ org, app, environment }: RouteTarget): string => `${org}:${app} (${environment})`;
  return new BloomError(
    "ERR_ALREADY_EXISTS",
    `the host name ${name} of ${say(other)} belongs to ${say(owner)} already`,
  );
}

/** By code unit: the order must not depend on the machine's language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

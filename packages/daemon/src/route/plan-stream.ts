import type { NginxPaths } from "./nginx-paths.js";
import { planJsonFormat, writeText } from "./plan-access-log.js";
import { isAtLeast, type NginxVersion } from "./plan-http.js";
import type { RouteTarget, RoutingTable, StreamTarget } from "./plan-routes.js";
import { formatServer } from "./plan-upstream.js";
import { dollarVariable, quoteNginx, quoteNginxValue } from "./quote-nginx.js";

/** What nginx has for raw TCP, and where it listens for it. */
export interface StreamFacts {
  /** Whether it can speak TLS to clients. */
  readonly tls: boolean;
  /** Every public port is open on each of these. `unix:/folder` makes a socket in it of each port, for trials. */
  readonly addresses: readonly string[];
}

/** Seconds that a server which neither accepts nor refuses may take before the next is tried. */
const connectSeconds = 5;

/** The stream block; nothing when no app has a port, or nginx has no way to open it. */
export function planStream(
  routes: RoutingTable,
  {
    paths,
    version,
    stream,
  }: { readonly paths: NginxPaths; readonly version: NginxVersion; readonly stream: StreamFacts | null },
): readonly string[] {
  const served = routes.filter(({ state, streams }) => state === "running" && streams.length > 0);
  if (stream === null || stream.addresses.length === 0 || served.length === 0) return [];
  const lines = [
    ...planHead(paths, version),
    ...served.flatMap((target) => planTarget(target, paths, stream.addresses)),
  ];
  return ["stream {", ...lines.map(indent), "}"];
}

function planHead(paths: NginxPaths, version: NginxVersion): readonly string[] {
  return [
    dollarVariable,
    // Its lines of level info say which client has which connection to which server.
    `error_log ${quoteNginx(paths.streamLog)} info;`,
    // One zone for all apps: it stays when they come and go, and so do its counts.
    "limit_conn_zone $server_port zone=bloom_port:1m;",
    "limit_conn_zone $binary_remote_addr$server_port zone=bloom_address:10m;",
    `proxy_connect_timeout ${connectSeconds}s;`,
    // To the next replica, and at last to the backup, before a byte has been sent.
    "proxy_next_upstream on;",
    `proxy_buffer_size ${bufferSize};`,
    "tcp_nodelay on;",
    ...(isAtLeast(version, [1, 15, 6]) ? ["proxy_socket_keepalive on;"] : []),
    // Who has sent everything may still want to read.
    ...(isAtLeast(version, [1, 21, 4]) ? ["proxy_half_close on;"] : []),
  ];
}

/**
 * For each direction of each connection, and in memory only as far as it was ever filled: 10,000 connections that are
 * idle take about 110 MB of a worker. With 16k bulk is a quarter slower than through HAProxy, with this a third faster;
 * with 256k a little faster still, but a thousand connections that have carried much would hold half a gigabyte.
 */
const bufferSize = "64k";

function planTarget(target: RouteTarget, paths: NginxPaths, addresses: readonly string[]): readonly string[] {
  const name = `bloom_${target.environmentId.replace(/[^A-Za-z0-9]/g, "_")}`;
  const log = `access_log ${quoteNginxValue(paths.streamAccessLog)} ${name} buffer=64k flush=1s;`;
  return [
    planFormat(name, target),
    ...target.streams.flatMap((stream) => [
      ...planServers(`${name}_${stream.port}`, stream),
      "server {",
      ...planServer(stream, addresses).map(indent),
      `\tproxy_pass ${name}_${stream.port};`,
      `\t${log}`,
      "}",
    ]),
  ];
}

/** max_fails=0: a server that refused once is asked again by the very next connection. */
function planServers(name: string, { servers, backup }: StreamTarget): readonly string[] {
  return [
    `upstream ${name} {`,
    // Without a zone each worker would count its own connections only, and all would begin with the first replica.
    ...(servers.length > 1 ? [`\tzone ${name} 64k;`, "\tleast_conn;"] : []),
    ...servers.map((server) => `\tserver ${formatServer(server)} max_fails=0;`),
    ...(backup === null
      ? []
      : [`\tserver ${formatServer({ kind: "unix", path: backup })} max_fails=0 backup;`]),
    "}",
  ];
}

function planServer(stream: StreamTarget, addresses: readonly string[]): readonly string[] {
  const { tls, allow, maxConnections, maxConnectionsPerAddress } = stream;
  return [
    ...addresses.map(
      (address) =>
        `listen ${formatAddress(address, stream.port)} ${tls === null ? "" : "ssl "}so_keepalive=on backlog=4096;`,
    ),
    ...(tls === null
      ? []
      : [
          `ssl_certificate ${quoteNginxValue(tls.certificate)};`,
          `ssl_certificate_key ${quoteNginxValue(tls.key)};`,
          "ssl_protocols TLSv1.2 TLSv1.3;",
          "ssl_handshake_timeout 10s;",
        ]),
    ...(allow.length === 0 ? [] : [...allow.map((network) => `allow ${network};`), "deny all;"]),
    ...(maxConnections === null ? [] : [`limit_conn bloom_port ${maxConnections};`]),
    ...(maxConnectionsPerAddress === null ? [] : [`limit_conn bloom_address ${maxConnectionsPerAddress};`]),
    ...(stream.proxyProtocol === null ? [] : ["proxy_protocol on;"]),
    `proxy_timeout ${stream.idleSeconds}s;`,
  ];
}

/** As it stands after `listen`. */
function formatAddress(address: string, port: number): string {
  if (address.startsWith("unix:")) return quoteNginx(`${address}/${port}.sock`);
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** One line for each connection that has ended. */
function planFormat(name: string, { environmentId, org, app }: RouteTarget): string {
  return planJsonFormat(name, {
    time: '"$time_iso8601"',
    at: "$msec",
    env: writeText(environmentId),
    app: writeText(`${org}:${app}`),
    port: "$server_port",
    client: '"$remote_addr"',
    client_port: "$remote_port",
    // From the client, and to it.
    received: "$bytes_received",
    sent: "$bytes_sent",
    seconds: "$session_time",
    // 200; 403: not in `allow`; 502: nobody accepted it; 503: too many connections.
    status: "$status",
    upstream: '"$upstream_addr"',
  });
}

function indent(line: string): string {
  return `\t${line}`;
}

import type { InstanceAddress } from "../run/engines/engine.js";
import { planPage } from "./error-pages.js";
import { planLocations, planNamedLocations } from "./plan-locations.js";
import type { RouteTarget } from "./plan-routes.js";
import { quoteNginx, quoteNginxValue } from "./quote-nginx.js";

/** An address nginx listens on. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

export function formatListen({ address, port }: ListenAddress): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * How long nginx may go on using a pooled connection to an upstream, in milliseconds: the age after which
 * it ends with the request it carries, and the idle time after which it is closed. Their sum is the longest
 * time after a switch in which a request can still reach the old instance, so both are small; a new
 * connection on the same machine costs less than 0.1 ms.
 */
const poolAgeMs = 400;
const poolIdleMs = 100;

/** The upstream and the server block of one environment. */
export function planServer(target: RouteTarget, listen: readonly ListenAddress[]): readonly string[] {
  const upstream = `bloom_${target.environmentId.replace(/[^A-Za-z0-9]/g, "_")}`;
  const isServed = target.state === "running" && target.servers.length > 0;
  return [
    ...(isServed ? planUpstream(upstream, target.servers) : []),
    "server {",
    ...listen.map((address) => `\tlisten ${formatListen(address)};`),
    `\tserver_name ${target.hostNames.map(quoteNginx).join(" ")};`,
    ...planLabels(target).map(indent),
    ...(isServed ? planServed(target, upstream) : planUnserved(target.state)).map(indent),
    "}",
  ];
}

/** What answers under a host name nobody has. */
export function planDefaultServer(listen: readonly ListenAddress[]): readonly string[] {
  return [
    "server {",
    ...listen.map((address) => `\tlisten ${formatListen(address)} default_server backlog=4096;`),
    '\tserver_name "";',
    // The access log names them; a variable that no server sets is an error.
    '\tset $bloom_env "";',
    '\tset $bloom_app "";',
    "\tlocation / {",
    ...planPage("unknown_host").map((line) => `\t\t${line}`),
    "\t}",
    "}",
  ];
}

/**
 * The same servers twice. Pooled connections are for requests that nginx may send again when the app has just
 * closed one: a server that closes after each answer without saying so loses such a race in 2 of 100 requests
 * under load. The others, told by $bloom_once, get a connection of their own.
 */
function planUpstream(name: string, servers: readonly InstanceAddress[]): readonly string[] {
  // max_fails=0: a lone server that failed once must be tried again at once, not after ten seconds.
  const members = servers.map((server) => `\tserver ${formatServer(server)} max_fails=0;`);
  return [
    `upstream ${name}_once {`,
    ...members,
    "}",
    `upstream ${name} {`,
    ...members,
    "\tkeepalive 64;",
    `\tkeepalive_time ${poolAgeMs}ms;`,
    `\tkeepalive_timeout ${poolIdleMs}ms;`,
    "\tkeepalive_requests 100000;",
    "}",
  ];
}

function planServed(target: RouteTarget, upstream: string): readonly string[] {
  const locations = planLocations(target, upstream);
  return [...locations, ...planNamedLocations(locations, upstream)];
}

function planUnserved(state: RouteTarget["state"]): readonly string[] {
  return ["location / {", ...planPage(state === "stopped" ? "stopped" : "starting").map(indent), "}"];
}

/** For the access log. */
function planLabels(target: RouteTarget): readonly string[] {
  const app = `${target.org}:${target.app}`;
  return [
    `set $bloom_env ${quoteNginxValue(target.environmentId)};`,
    `set $bloom_app ${quoteNginxValue(app)};`,
  ];
}

function formatServer(server: InstanceAddress): string {
  return server.kind === "unix" ? quoteNginx(`unix:${server.path}`) : formatListen(server);
}

function indent(line: string): string {
  return `\t${line}`;
}

import { planPage } from "./error-pages.js";
import { planUnread, unreadErrors } from "./function-pages.js";
import type { NginxPaths } from "./nginx-paths.js";
import type { NginxFeatures } from "./nginx-modules.js";
import { planServerLog } from "./plan-access-log.js";
import { planFunction, type PlannedServer } from "./plan-function-server.js";
import { planLocations } from "./plan-locations.js";
import type { RouteTarget } from "./plan-routes.js";
import { formatListen, planUpstream, type ListenAddress } from "./plan-upstream.js";
import { quoteNginx } from "./quote-nginx.js";

/** The upstream and the server block of one environment. */
export function planServer(
  target: RouteTarget,
  { listen, paths }: { readonly listen: readonly ListenAddress[]; readonly paths: NginxPaths },
  features: NginxFeatures,
): readonly string[] {
  const upstream = `bloom_${target.environmentId.replace(/[^A-Za-z0-9]/g, "_")}`;
  const planned = planInside(target, upstream, features);
  const { format, log } = planServerLog(paths, upstream, target);
  return [
    format,
    ...planned.before,
    "server {",
    ...listen.map((address) => `\tlisten ${formatListen(address)};`),
    `\tserver_name ${target.hostNames.map(quoteNginx).join(" ")};`,
    `\t${log}`,
    ...planned.lines.map(indent),
    "}",
  ];
}

function planInside(target: RouteTarget, upstream: string, features: NginxFeatures): PlannedServer {
  const own = target.function;
  if (own !== null) return planFunction({ ...target, function: own }, upstream, features);
  const isServed = target.state === "running" && target.servers.length > 0;
  if (!isServed) return { before: [], lines: planUnserved(target.state) };
  const { maps, lines } = planLocations(target, upstream, features);
  return { before: [...planUpstream(upstream, target), ...maps], lines };
}

/** Variables that locations set; one that no server sets is an error where it is used. */
const serverVariables = ["file", "next", "index", "uri", "moved", "place", "execution", "gated", "wait"];

/** What answers under a host name nobody has. */
export function planDefaultServer(listen: readonly ListenAddress[]): readonly string[] {
  return [
    "server {",
    ...listen.map((address) => `\tlisten ${formatListen(address)} default_server backlog=4096;`),
    '\tserver_name "";',
    ...serverVariables.map((name) => `\tset $bloom_${name} "";`),
    // A first line that is malformed or too long is all that there is: whom it was for comes after it.
    `\t${unreadErrors}`,
    "\tlocation / {",
    ...planPage("unknown_host").map((line) => `\t\t${line}`),
    "\t}",
    ...planUnread().map(indent),
    "}",
  ];
}

function planUnserved(state: RouteTarget["state"]): readonly string[] {
  return ["location / {", ...planPage(state === "stopped" ? "stopped" : "starting").map(indent), "}"];
}

function indent(line: string): string {
  return `\t${line}`;
}

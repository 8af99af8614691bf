import type { InstanceAddress } from "../run/engines/engine.js";
import type { RouteTarget } from "./plan-routes.js";
import { quoteNginx } from "./quote-nginx.js";

/** An address nginx listens on; a `unix:` address has no port. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

export function formatListen({ address, port }: ListenAddress): string {
  if (address.startsWith("unix:")) return quoteNginx(address);
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

/**
 * The same servers three times. Pooled connections are for requests that nginx may send again when the app has just
 * closed one: a server that closes after each answer without saying so loses such a race in 2 of 100 requests
 * under load. The others, told by $bloom_once, get a connection of their own. Both leave what no server accepts to a
 * location that lets it wait, because nginx would count the hold as one more server to send a request to that the
 * app has just closed the connection of. Bodies and answers that are passed on as they come cannot take that way:
 * for them the hold is a backup, and connections are never pooled.
 */
export function planUpstream(name: string, target: RouteTarget): readonly string[] {
  const { servers, holdSocket } = target;
  const isSpread = hasReplicas(target);
  const method = isSpread ? ["\tleast_conn;"] : [];
  const list = (limits: string): readonly string[] =>
    servers.map((server) => `\tserver ${formatServer(server)} ${limits};`);
  // max_fails=0: a lone server that failed once must be tried again at once, not after ten seconds.
  const members = [...method, ...list(isSpread ? missing : "max_fails=0")];
  const hold = holdSocket === null ? null : quoteNginx(`unix:${holdSocket}`);
  return [
    `upstream ${name}_once {`,
    ...members,
    "}",
    `upstream ${name}_direct {`,
    ...method,
    ...list("max_fails=0"),
    ...(hold === null ? [] : [`\tserver ${hold} backup max_fails=0;`]),
    "}",
    ...(hold === null ? [] : [`upstream ${name}_hold {`, `\tserver ${hold} max_fails=0;`, "}"]),
    `upstream ${name} {`,
    ...members,
    "\tkeepalive 64;",
    `\tkeepalive_time ${poolAgeMs}ms;`,
    `\tkeepalive_timeout ${poolIdleMs}ms;`,
    "\tkeepalive_requests 100000;",
    "}",
  ];
}

/**
 * A replica that is gone would be the one with the fewest connections: without a rest each request would try it first.
 * When all of them rest nginx tries none, so what has met nobody is tried once more where nobody rests.
 */
const missing = "max_fails=1 fail_timeout=1s";

/**
 * True for apps of which several run at all times. A function has a name for each instance it may have, and most lead
 * nowhere; asking those is cheap, because they are files that are not there.
 */
export function hasReplicas(target: Pick<RouteTarget, "servers" | "function">): boolean {
  return target.function === null && target.servers.length > 1;
}

export function formatServer(server: InstanceAddress): string {
  return server.kind === "unix" ? quoteNginx(`unix:${server.path}`) : formatListen(server);
}

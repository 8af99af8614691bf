import {
  planForbiddenPage,
  planFunctionPage,
  planLostPage,
  planUnread,
  unreadErrors,
} from "./function-pages.js";
import type { NginxFeatures } from "./nginx-modules.js";
import { hop } from "./plan-behaviours.js";
import { planAccess, planCheck, planDoor } from "./plan-function-access.js";
import type { FunctionRoute, RouteTarget } from "./plan-routes.js";
import { planUpstream } from "./plan-upstream.js";
import { planHeaders, proxyHeaders } from "./proxy-headers.js";
import { quoteNginx, quoteNginxValue } from "./quote-nginx.js";

/** What a server holds, and what must stand before it. */
export interface PlannedServer {
  readonly before: readonly string[];
  readonly lines: readonly string[];
}

export type FunctionTarget = RouteTarget & { readonly function: FunctionRoute };

/** The function itself says when its time is over; nginx waits a little longer for that. */
const marginSeconds = 10;
/** Bodies are passed on as they come, so a large one costs no memory; the function has its own limit for collecting. */
const mostBodyBytes = 1024 ** 3;
/** Bodies that are collected fit in. */
const bodyBuffer = "128k";

/** The server of a function: any method, path and query are its handler's. */
export function planFunction(
  target: FunctionTarget,
  upstream: string,
  features: NginxFeatures,
): PlannedServer {
  const page = findPage(target);
  if (page !== null) {
    return { before: [], lines: [unreadErrors, "location / {", ...page.map(indent), "}", ...planUnread()] };
  }
  const led = leadSomewhere(target);
  const { gate } = led.function;
  return {
    before: [
      ...planUpstream(upstream, led),
      ...(gate === null ? [] : planGateUpstream(upstream, gate.socket)),
    ],
    lines: [
      ...planIdentity(led, features),
      `client_max_body_size ${mostBodyBytes};`,
      `client_body_buffer_size ${bodyBuffer};`,
      ...planTimes(led),
      ...planErrorPages(led.holdSocket === null ? "@bloom_page" : "= @bloom_refused"),
      "location / {",
      ...[...planDoor(led.function), ...hop(chooseWay(led.function))].map(indent),
      "}",
      ...planAccess(led, led.function),
      ...planWays(upstream, led),
      ...planRefused(upstream, led),
      ...planPageLocation(led.function),
      ...planUnread(planOrigin(led.function)),
    ],
  };
}

/** Why no request gets any further. */
function findPage({ state, servers, holdSocket, function: own }: FunctionTarget): readonly string[] | null {
  if (state === "stopped") return planFunctionPage("stopped");
  if (own.access.kind === "refused") return planFunctionPage("refused");
  return servers.length === 0 && holdSocket === null ? planFunctionPage("empty") : null;
}

/** Without a name for an instance, everything goes to where sleeping functions are woken. */
function leadSomewhere(target: FunctionTarget): FunctionTarget {
  const { servers, holdSocket } = target;
  if (servers.length > 0 || holdSocket === null) return target;
  return { ...target, servers: [{ kind: "unix", path: holdSocket }] };
}

function chooseWay({ gate }: FunctionRoute): string {
  if (gate === null) return "$bloom_function";
  return gate.answers ? "$bloom_function_checked" : "$bloom_function_input";
}

/**
 * Who the function is, and which execution this is. A header that nginx sets takes the place of all that the caller
 * has sent under that name, in any case; names with underscores and trailers are never passed on.
 */
function planIdentity(
  { org, app, function: own }: FunctionTarget,
  features: NginxFeatures,
): readonly string[] {
  const id = quoteNginxValue(`${org}/${app}`).slice(1, -1);
  return [
    ...(features.headersMore ? ['more_clear_input_headers "x-ignite-*";'] : []),
    ...planHeaders([
      ...proxyHeaders,
      ["x-ignite-execution-id", "$bloom_execution"],
      ["x-ignite-function-id", id],
      ["x-ignite-organization-id", quoteNginxValue(org).slice(1, -1)],
      ["x-ignite-deadline", ""],
      // The platform's token is none of the handler's business.
      ...(own.access.kind === "bearer" ? [["Authorization", ""] as const] : []),
    ]),
    "proxy_hide_header x-ignite-execution-id;",
    "add_header x-ignite-execution-id $bloom_logged always;",
  ];
}

/** Longest silence of the function; a request that is held gets no word before it is let go. */
function silenceOf({ function: own, timeouts, holdSeconds }: FunctionTarget): { own: number; held: number } {
  const seconds = own.timeoutSeconds === 0 ? timeouts.streamSeconds : own.timeoutSeconds + marginSeconds;
  return { own: seconds, held: seconds + holdSeconds };
}

function planTimes(target: FunctionTarget): readonly string[] {
  const { own } = silenceOf(target);
  return [
    `proxy_connect_timeout ${target.timeouts.connectSeconds}s;`,
    `proxy_read_timeout ${own}s;`,
    `proxy_send_timeout ${own}s;`,
  ];
}

/** Only what nginx itself says; answers of the function pass untouched. */
function planErrorPages(unreachable: string): readonly string[] {
  return [
    "error_page 420 = $bloom_next;",
    unreadErrors,
    "error_page 401 413 503 504 @bloom_page;",
    "error_page 403 = @bloom_forbidden;",
    // When the authority does not answer, nginx has no better word than 500.
    "error_page 500 =503 @bloom_unavailable;",
    `error_page 502 ${unreachable};`,
  ];
}

/** The ways to the function; `$bloom_function` says which one a request takes. */
function planWays(upstream: string, target: FunctionTarget): readonly string[] {
  const { held } = silenceOf(target);
  const { streamSeconds } = target.timeouts;
  const block = (name: string, lines: readonly string[]): readonly string[] => [
    `location @bloom_${name}0 {`,
    ...['set $bloom_execution "x-$request_id";', ...planCheck(target.function), ...lines].map(indent),
    "}",
  ];
  // A body that is passed on as it comes is the function's from the first byte on: it cannot be led elsewhere.
  const lost = target.holdSocket === null ? "@bloom_page" : "= @bloom_lost";
  const passing = ["proxy_request_buffering off;", ...planErrorPages(lost)];
  return [
    ...block("app", [`proxy_pass http://${upstream};`]),
    ...block("once", [`proxy_pass http://${upstream}_once;`]),
    ...block("stream", [...passing, `proxy_read_timeout ${held}s;`, `proxy_pass http://${upstream}_direct;`]),
    // Upgraded connections and event streams live long and pass every byte on at once.
    ...block("live", [
      ...passing,
      `proxy_read_timeout ${Math.max(streamSeconds, held)}s;`,
      `proxy_send_timeout ${streamSeconds}s;`,
      "proxy_buffering off;",
      `proxy_pass http://${upstream}_direct;`,
    ]),
    ...(target.function.gate === null
      ? []
      : block("gate", planGate(upstream, Math.max(streamSeconds, held)))),
  ];
}

/** To whoever holds bodies against schemas, who passes them on. Where nobody is there, nothing is passed by. */
function planGate(upstream: string, seconds: number): readonly string[] {
  return [
    "set $bloom_gated 1;",
    "proxy_hide_header x-bloom-turned-away;",
    // Hiding one header forgets those that are hidden outside.
    "proxy_hide_header x-ignite-execution-id;",
    "proxy_request_buffering off;",
    ...planErrorPages("=503 @bloom_unavailable"),
    `proxy_read_timeout ${seconds}s;`,
    `proxy_pass http://${upstream}_gate;`,
  ];
}

function planGateUpstream(upstream: string, socket: string): readonly string[] {
  return [`upstream ${upstream}_gate {`, `\tserver ${quoteNginx(`unix:${socket}`)} max_fails=0;`, "}"];
}

/** Lets a request wait that no instance has accepted: whoever waits with it starts one. */
function planRefused(upstream: string, target: FunctionTarget): readonly string[] {
  if (target.holdSocket === null) return [];
  return [
    "location @bloom_refused {",
    ...[
      ...planErrorPages("= @bloom_lost"),
      `proxy_read_timeout ${silenceOf(target).held}s;`,
      // What was sent to the function and lost there must not be sent again.
      'if ($bloom_refused = "") { return 502; }',
      `proxy_pass http://${upstream}_hold;`,
    ].map(indent),
    "}",
    "location @bloom_lost {",
    ...[
      ...planPageHeaders(target.function),
      "add_header x-ignite-execution-id $bloom_execution always;",
      ...planLostPage(),
    ].map(indent),
    "}",
  ];
}

function planPageHeaders({ access }: Pick<FunctionRoute, "access">): readonly string[] {
  return [
    "default_type application/json;",
    'add_header Cache-Control "no-store" always;',
    ...planOrigin({ access }),
    "add_header Retry-After $bloom_retry always;",
  ];
}

function planPageLocation({ access }: FunctionRoute): readonly string[] {
  return [
    "location @bloom_page {",
    ...[
      ...planPageHeaders({ access }),
      ...(access.kind === "bearer" ? ["add_header WWW-Authenticate $bloom_challenge always;"] : []),
      "set $bloom_execution $bloom_page_execution;",
      "add_header x-ignite-execution-id $bloom_execution always;",
      "return 200 $bloom_function_page;",
    ].map(indent),
    "}",
    "location @bloom_forbidden {",
    ...[
      "default_type application/json;",
      'add_header Cache-Control "no-store" always;',
      "add_header Retry-After $bloom_wait always;",
      'set $bloom_execution "";',
      ...planForbiddenPage(),
    ].map(indent),
    "}",
    "location @bloom_unavailable {",
    ...['set $bloom_execution "";', ...planFunctionPage("unavailable")].map(indent),
    "}",
  ];
}

/** Pages of any origin may read why a function that anyone may call cannot be called. */
function planOrigin({ access }: Pick<FunctionRoute, "access">): readonly string[] {
  return access.kind === "anyone" ? ['add_header Access-Control-Allow-Origin "*" always;'] : [];
}

function indent(line: string): string {
  return `\t${line}`;
}

import type { RequestBufferingConfig } from "@bloomery/contract";
import { planPage } from "./error-pages.js";
import { planBodyLimit } from "./plan-behaviours.js";
import type { RouteTarget } from "./plan-routes.js";
import { hasReplicas } from "./plan-upstream.js";

/** nginx must not give up on a held request before it is answered. */
const holdMarginSeconds = 10;

/** What every app that is served has: the ways to the app, and the pages for what nginx gives up on. */
export function planNamedLocations(
  ways: readonly RequestBufferingConfig[],
  upstream: string,
  target: RouteTarget,
): readonly string[] {
  return [
    ...planTimeouts(target),
    ...planErrorPages(hasSecondWay(target) ? "= @bloom_refused" : "@bloom_page"),
    ...planNobody(target),
    ...ways.flatMap((way, index) => planWays(index, way, upstream, target)),
    ...planRefused(upstream, target),
    "location @bloom_page {",
    '\tdefault_type "";',
    "\tadd_header Content-Type $bloom_page_type always;",
    '\tadd_header Cache-Control "no-store" always;',
    "\treturn 200 $bloom_page;",
    "}",
    "location @bloom_method {",
    '\tdefault_type "";',
    '\tadd_header Allow "GET, HEAD, OPTIONS" always;',
    "\tadd_header Content-Type $bloom_page_type always;",
    '\tadd_header Cache-Control "no-store" always;',
    "\tif ($request_method = OPTIONS) { return 204; }",
    "\treturn 405 $bloom_page_method;",
    "}",
  ];
}

/** Only what nginx itself says; answers of the app pass untouched. */
function planErrorPages(unreachable: string): readonly string[] {
  return [
    "error_page 420 = $bloom_next;",
    "error_page 403 404 413 500 504 @bloom_page;",
    `error_page 502 ${unreachable};`,
    "error_page 405 = @bloom_method;",
  ];
}

/** Where a request that no server has accepted may still go. */
function hasSecondWay(target: RouteTarget): boolean {
  return target.holdSocket !== null || hasReplicas(target);
}

/**
 * Lets a request wait that no server has accepted; there is somebody to wait with only while requests are held. Of
 * several replicas some may only have been passed over for what happened a moment ago: they are asked before.
 */
function planRefused(upstream: string, target: RouteTarget): readonly string[] {
  if (!hasSecondWay(target)) return [];
  const next = hasReplicas(target) ? `${upstream}_direct` : `${upstream}_hold`;
  const block = (name: string, lines: readonly string[]): readonly string[] => [
    `location @bloom_${name} {`,
    ...[
      ...planErrorPages(unreachablePage(target)),
      ...lines,
      // What was sent to the app and lost there must not be sent again.
      'if ($bloom_refused = "") { return 502; }',
      `proxy_pass http://${next};`,
    ].map((line) => `\t${line}`),
    "}",
  ];
  return [
    ...block("refused", [`proxy_read_timeout ${heldSilence(target, target.timeouts.readSeconds)}s;`]),
    ...block("refused_live", planStream(target)),
  ];
}

function planStream(target: RouteTarget): readonly string[] {
  const { streamSeconds } = target.timeouts;
  return [
    `proxy_read_timeout ${heldSilence(target, streamSeconds)}s;`,
    `proxy_send_timeout ${streamSeconds}s;`,
    "proxy_buffering off;",
  ];
}

/** Where a request ends that neither the app nor who holds requests has accepted. */
function unreachablePage({ holdSocket, sleeps }: RouteTarget): string {
  return holdSocket !== null && sleeps ? "= @bloom_nobody" : "@bloom_page";
}

/** An app that sleeps is to be woken, and nobody is there to do it: not for long, and not for want of the app. */
function planNobody(target: RouteTarget): readonly string[] {
  if (unreachablePage(target) === "@bloom_page") return [];
  return [
    "location @bloom_nobody {",
    ...planErrorPages("@bloom_page").map((line) => `\t${line}`),
    '\tif ($bloom_nobody = "") { return 502; }',
    ...planPage("asleep").map((line) => `\t${line}`),
    "}",
  ];
}

function planTimeouts(target: RouteTarget): readonly string[] {
  const { timeouts } = target;
  return [
    `proxy_connect_timeout ${timeouts.connectSeconds}s;`,
    `proxy_read_timeout ${timeouts.readSeconds}s;`,
    `proxy_send_timeout ${timeouts.sendSeconds}s;`,
  ];
}

/** How long the other side may say nothing; a request that is held gets no word before it is let go. */
function heldSilence({ holdSocket, holdSeconds }: RouteTarget, seconds: number): number {
  return holdSocket === null ? seconds : Math.max(seconds, holdSeconds + holdMarginSeconds);
}

/**
 * Locations and not variables in `proxy_pass`, for each of which nginx would make a TLS context that takes it a
 * quarter of a millisecond. Without a path in the address the request line is passed on exactly as it came.
 */
function planWays(
  index: number,
  way: RequestBufferingConfig,
  upstream: string,
  target: RouteTarget,
): readonly string[] {
  const common = [
    ...planBodyLimit(way),
    // A body that is passed on as it comes is the app's from the first byte on: it cannot be led elsewhere.
    ...(way.enabled ? [] : ["proxy_request_buffering off;", ...planErrorPages(unreachablePage(target))]),
  ];
  const block = (name: string, lines: readonly string[]): readonly string[] => [
    `location @bloom_${name}${index} {`,
    ...[...common, ...lines].map((line) => `\t${line}`),
    "}",
  ];
  const [pooled, once] = way.enabled ? ["", "_once"] : ["_direct", "_direct"];
  const hasIndex = Object.values(target.locations).some((one) => one.index.length > 0);
  return [
    ...block("app", [`proxy_pass http://${upstream}${pooled};`]),
    ...block("once", [`proxy_pass http://${upstream}${once};`]),
    // Upgraded connections and event streams live long and pass every byte on at once.
    ...block("live", [
      ...planStream(target),
      ...(way.enabled && hasSecondWay(target) ? planErrorPages("= @bloom_refused_live") : []),
      `proxy_pass http://${upstream}${way.enabled ? "_once" : "_direct"};`,
    ]),
    // The app is asked for the folder and not for the file of it that may not be shown.
    ...(hasIndex ? block("back", [`proxy_pass http://${upstream}_direct$bloom_uri;`]) : []),
  ];
}

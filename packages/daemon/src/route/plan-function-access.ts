import type { NginxPaths } from "./nginx-paths.js";
import type { FunctionRoute, RouteTarget } from "./plan-routes.js";
import { hop } from "./plan-behaviours.js";
import { quoteNginx, quoteNginxValue } from "./quote-nginx.js";

/** No request can have this address: theirs begin with a slash. */
const authorityPlace = "bloom:authority";

/** How long a token that was found good is not asked about again; a revoked one works for so long. */
const goodSeconds = 10;
const badSeconds = 1;

/**
 * The memory of what the authority has said. Verified callers go on while the daemon is dead. The folder is nginx's
 * alone: its files name tokens.
 */
export function planAuthorityCache(paths: NginxPaths, routes: readonly RouteTarget[]): readonly string[] {
  if (!routes.some((route) => route.function?.access.kind === "bearer")) return [];
  const folder = quoteNginx(`${paths.temp}/authority`);
  return [
    `proxy_cache_path ${folder} levels=1 keys_zone=bloom_authority:4m max_size=64m inactive=1d use_temp_path=off;`,
  ];
}

/** The first decision about a request, in the rewrite phase; who has no token costs the daemon nothing. */
export function planDoor({ access }: FunctionRoute): readonly string[] {
  if (access.kind === "bearer") return ['if ($bloom_bearer = "") { return 401; }'];
  return [`if ($bloom_preflight) { ${hop("@bloom_preflight").join(" ")} }`];
}

/** What every location that leads to the function begins with. */
export function planCheck({ access }: FunctionRoute): readonly string[] {
  if (access.kind !== "bearer") return [];
  return [`auth_request ${authorityPlace};`, "auth_request_set $bloom_wait $upstream_http_x_bloom_wait;"];
}

/** Locations and headers that belong to who may call. */
export function planAccess(target: RouteTarget, own: FunctionRoute): readonly string[] {
  if (own.access.kind === "bearer") return planAuthority(target, own.access.authority);
  return [
    "add_header Access-Control-Allow-Origin $bloom_allow_origin always;",
    "add_header Access-Control-Expose-Headers $bloom_expose always;",
    ...planPreflight(),
  ];
}

function planAuthority({ org, app }: RouteTarget, socket: string): readonly string[] {
  const id = quoteNginxValue(`${org}/${app}`);
  return [
    `location = ${authorityPlace} {`,
    ...[
      "internal;",
      // Not the server's: what goes wrong here is told to the request that asked.
      "error_page 599 @bloom_page;",
      `proxy_pass ${quoteNginx(`http://unix:${socket}:/`)};`,
      "proxy_pass_request_body off;",
      "proxy_pass_request_headers off;",
      "proxy_set_header Host bloom-authority;",
      'proxy_set_header Connection "close";',
      'proxy_set_header Content-Length "";',
      'proxy_set_header Authorization "Bearer $bloom_bearer";',
      `proxy_set_header x-bloom-function ${id};`,
      "proxy_set_header x-bloom-client $remote_addr;",
      "proxy_connect_timeout 2s;",
      "proxy_read_timeout 2s;",
      "proxy_ignore_client_abort on;",
      "proxy_cache bloom_authority;",
      `proxy_cache_key "${id.slice(1, -1)} $bloom_bearer";`,
      `proxy_cache_valid 204 ${goodSeconds}s;`,
      `proxy_cache_valid 401 403 ${badSeconds}s;`,
      "proxy_cache_use_stale error timeout updating http_500 http_503;",
      "proxy_cache_lock on;",
      "proxy_cache_lock_timeout 2s;",
    ].map(indent),
    "}",
  ];
}

/** A browser's question whether a page from elsewhere may call: yes, but without anybody's credentials. */
function planPreflight(): readonly string[] {
  return [
    "location @bloom_preflight {",
    ...[
      "add_header Access-Control-Allow-Origin $http_origin always;",
      'add_header Access-Control-Allow-Methods "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" always;',
      "add_header Access-Control-Allow-Headers $http_access_control_request_headers always;",
      "add_header Access-Control-Max-Age 7200 always;",
      'add_header Vary "Origin, Access-Control-Request-Headers" always;',
      "return 204;",
    ].map(indent),
    "}",
  ];
}

function indent(line: string): string {
  return `\t${line}`;
}

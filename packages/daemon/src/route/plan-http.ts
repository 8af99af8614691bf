import { manifestDefaults } from "@bloomery/contract";
import { planPageMaps } from "./error-pages.js";
import { planAuthorityCache } from "./plan-function-access.js";
import { planFunctionMaps } from "./plan-function-maps.js";
import { planHeaders, proxyHeaders } from "./proxy-headers.js";
import { planMimeTypes } from "./mime-types.js";
import { dollarVariable, quoteNginx } from "./quote-nginx.js";
import type { NginxFeatures } from "./nginx-modules.js";
import { planAccessLog } from "./plan-access-log.js";
import { fileCache, planCompression } from "./plan-static.js";
import type { NginxPaths } from "./nginx-paths.js";
import type { RouteTarget, RoutingTable } from "./plan-routes.js";

/** Major, minor and patch of the installed nginx. */
export type NginxVersion = readonly [number, number, number];

export function isAtLeast(version: NginxVersion, wanted: NginxVersion): boolean {
  for (const [index, part] of wanted.entries()) {
    const have = version[index] ?? 0;
    if (have !== part) return have > part;
  }
  return true;
}

/** Everything of the http block before its servers. */
export function planHttpHead(
  { paths, version }: { readonly paths: NginxPaths; readonly version: NginxVersion },
  features: NginxFeatures,
  routes: RoutingTable,
): readonly string[] {
  return [
    dollarVariable,
    ...planBasics(version),
    // Without the module there is no way to leave the header out; the version is not told.
    ...(features.headersMore ? ["more_clear_headers Server;"] : []),
    ...planNameHash(routes),
    ...planTempPaths(paths),
    ...planMimeTypes(),
    ...planMaps(routes),
    ...fileCache,
    ...planCompression(features),
    ...planPageMaps(),
    ...planFunctionMaps(),
    ...planAuthorityCache(paths, routes),
    ...planAccessLog(paths),
    ...planProxyDefaults(),
  ];
}

function planBasics(version: NginxVersion): readonly string[] {
  return [
    "default_type application/octet-stream;",
    "server_tokens off;",
    "absolute_redirect off;",
    "sendfile on;",
    "tcp_nopush on;",
    "keepalive_timeout 75s;",
    "keepalive_requests 100000;",
    // Closes the race in which a reload drops a client connection that is just being used again.
    ...(isAtLeast(version, [1, 27, 4]) ? ["keepalive_min_timeout 1s;"] : []),
    `client_max_body_size ${manifestDefaults.maxBodyBytes};`,
    "large_client_header_buffers 4 32k;",
    "recursive_error_pages on;",
    // Requests that end before a server is chosen are logged with empty labels.
    "uninitialized_variable_warn off;",
  ];
}

/** nginx wants to be told how large the table of its names may grow. */
function planNameHash(routes: RoutingTable): readonly string[] {
  const names = routes.flatMap((route) => route.hostNames);
  const longest = Math.max(32, ...names.map((name) => name.length));
  return [
    `server_names_hash_max_size ${powerOfTwoFrom(Math.max(1024, names.length * 4))};`,
    // Each app has a few variables of its own.
    `variables_hash_max_size ${powerOfTwoFrom(Math.max(1024, routes.length * 16))};`,
    "variables_hash_bucket_size 128;",
    `server_names_hash_bucket_size ${powerOfTwoFrom(Math.max(128, longest + 32))};`,
  ];
}

function planTempPaths(paths: NginxPaths): readonly string[] {
  return ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${quoteNginx(`${paths.temp}/${name}`)};`,
  );
}

function planMaps(routes: RoutingTable): readonly string[] {
  return [
    ...planWays(routes),
    // h2c would take the connection out of our hands, and no client needs it.
    'map $http_upgrade $bloom_upgrade { default $http_upgrade; "~*h2c" ""; }',
    // The methods nginx does not repeat by itself.
    'map $request_method $bloom_once { default ""; "POST" "_once"; "PATCH" "_once"; "LOCK" "_once"; }',
    'map "$bloom_upgrade|$bloom_once" $bloom_connection { default "upgrade"; "|" ""; "|_once" "close"; }',
    'map "$bloom_upgrade|$http_accept" $bloom_live { default ""; "~^[^|]" 1; "~*^[|].*text/event-stream" 1; }',
    'map $request_method $bloom_writes { default 1; "GET" ""; "HEAD" ""; }',
    // The host nginx chose the server by, with the port the client wrote.
    'map $http_host $bloom_port { default ""; "~(?<port>:[0-9]+)$" $port; }',
    // The two halves of what an app's map says about a path: who decides, and the file.
    'map $bloom_place $bloom_place_next { volatile; default ""; "~^(?<bloom_left>[^|]*)[|]" $bloom_left; }',
    'map $bloom_place $bloom_place_file { volatile; default ""; "~(?s)^[^|]*[|](?<bloom_right>.*)$" $bloom_right; }',
    // What a page may be told that asks from elsewhere.
    'map $http_origin $bloom_origin { default $http_origin; "" "*"; }',
    // An address a rule has made may climb out of its folder.
    'map $uri $bloom_climbs { volatile; default ""; "~/\\.\\.?(?:/|$)" 1; }',
    // What the app sees of a request whose folder had a file that may not be shown.
    'map $bloom_moved $bloom_first { volatile; default ""; "" $request_uri; }',
    'map "$bloom_moved|$bloom_index|$uri" $bloom_step { volatile; default slash; "~^1?[|][|]" ""; "~^1" index; "~/$" index; }',
    'map $request_uri $bloom_folder_url { default ""; "~^/*(?<bloom_path>[^?]*)" "/$bloom_path/$is_args$args"; }',
    // The last server that was tried did not even accept a connection.
    'map $upstream_connect_time $bloom_refused { volatile; default ""; "~-$" 1; }',
    // Neither is a number in JSON: nothing was answered, and an answer of HTTP/0.9.
    'map $status $bloom_status { default $status; "000" 0; "009" 9; }',
  ];
}

/** A location says which way to the app it wants; the request says how it goes there. */
function planWays(routes: RoutingTable): readonly string[] {
  const kinds = ({ locations }: RouteTarget): number =>
    new Set(Object.values(locations).map((one) => JSON.stringify(one.requestBuffering))).size;
  return Array.from({ length: Math.max(1, ...routes.map(kinds)) }, (_, index) => [
    `map "$bloom_uri|$bloom_live|$bloom_once" $bloom_app${index} {`,
    "\tvolatile;",
    `\t"||" @bloom_app${index};`,
    `\t"||_once" @bloom_once${index};`,
    `\t"~^[|]1" @bloom_live${index};`,
    `\tdefault @bloom_back${index};`,
    "}",
  ]).flat();
}

function planProxyDefaults(): readonly string[] {
  return [
    "proxy_http_version 1.1;",
    ...planHeaders(proxyHeaders),
    "proxy_buffer_size 16k;",
    "proxy_buffers 8 16k;",
    // Never non_idempotent: a POST that may have arrived is not sent twice.
    // Nor after a timeout: the app has the request and is at work.
    "proxy_next_upstream error;",
    // Not for apps to say: nginx never shows files of its own choice or slows down. Buffering is theirs.
    "proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Charset;",
    "proxy_intercept_errors off;",
    "proxy_socket_keepalive on;",
  ];
}

function powerOfTwoFrom(least: number): number {
  return 2 ** Math.ceil(Math.log2(least));
}

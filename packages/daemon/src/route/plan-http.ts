import { planPageMaps } from "./error-pages.js";
import { planMimeTypes } from "./mime-types.js";
import { dollarVariable, quoteNginx, quoteNginxValue } from "./quote-nginx.js";
import type { NginxPaths } from "./nginx-paths.js";
import type { RoutingTable } from "./plan-routes.js";

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
  paths: NginxPaths,
  version: NginxVersion,
  routes: RoutingTable,
): readonly string[] {
  return [
    dollarVariable,
    ...planBasics(version),
    ...planNameHash(routes),
    ...planTempPaths(paths),
    ...planMimeTypes(),
    ...planMaps(),
    ...planPageMaps(),
    ...planAccessLog(paths),
    ...planProxyDefaults(),
  ];
}

function planBasics(version: NginxVersion): readonly string[] {
  return [
    "default_type application/octet-stream;",
    "server_tokens off;",
    "sendfile on;",
    "tcp_nopush on;",
    "keepalive_timeout 75s;",
    "keepalive_requests 100000;",
    // Closes the race in which a reload drops a client connection that is just being used again.
    ...(isAtLeast(version, [1, 27, 4]) ? ["keepalive_min_timeout 1s;"] : []),
    "client_max_body_size 250m;",
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
    `server_names_hash_bucket_size ${powerOfTwoFrom(Math.max(128, longest + 32))};`,
  ];
}

function planTempPaths(paths: NginxPaths): readonly string[] {
  return ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${quoteNginx(`${paths.temp}/${name}`)};`,
  );
}

function planMaps(): readonly string[] {
  return [
    // h2c would take the connection out of our hands, and no client needs it.
    'map $http_upgrade $bloom_upgrade { default $http_upgrade; "~*h2c" ""; }',
    // The methods nginx does not repeat by itself.
    'map $request_method $bloom_once { default ""; "POST" "_once"; "PATCH" "_once"; "LOCK" "_once"; }',
    'map "$bloom_upgrade|$bloom_once" $bloom_connection { default "upgrade"; "|" ""; "|_once" "close"; }',
    'map "$bloom_upgrade|$http_accept" $bloom_live { default ""; "~^[^|]" 1; "~*^[|].*text/event-stream" 1; }',
    'map $request_method $bloom_writes { default 1; "GET" ""; "HEAD" ""; }',
    // The host nginx chose the server by, with the port the client wrote.
    'map $http_host $bloom_port { default ""; "~(?<port>:[0-9]+)$" $port; }',
    'map $status $bloom_status { default $status; "~^0" 0; }',
  ];
}

function planAccessLog(paths: NginxPaths): readonly string[] {
  const fields = {
    time: '"$time_iso8601"',
    at: "$msec",
    env: '"$bloom_env"',
    app: '"$bloom_app"',
    host: '"$host"',
    method: '"$request_method"',
    uri: '"$request_uri"',
    status: "$bloom_status",
    bytes: "$body_bytes_sent",
    request_bytes: "$request_length",
    request_time: "$request_time",
    // Several, separated by commas, when more than one server was tried.
    upstream_time: '"$upstream_response_time"',
    upstream: '"$upstream_addr"',
    client: '"$remote_addr"',
    agent: '"$http_user_agent"',
  };
  const line = Object.entries(fields).map(([name, value]) => `"${name}":${value}`);
  return [
    `log_format bloom escape=json '{${line.join(",")}}';`,
    `access_log ${quoteNginxValue(paths.accessLog)} bloom buffer=64k flush=1s;`,
  ];
}

function planProxyDefaults(): readonly string[] {
  const headers: readonly (readonly [string, string])[] = [
    ["Host", "$host$bloom_port"],
    ["Connection", "$bloom_connection"],
    ["Upgrade", "$bloom_upgrade"],
    ["X-Forwarded-For", "$proxy_add_x_forwarded_for"],
    ["X-Forwarded-Proto", "$scheme"],
    ["X-Forwarded-Host", "$host$bloom_port"],
    ["X-Real-IP", "$remote_addr"],
    ["X-Client-IP", "$remote_addr"],
    // CGI-style programs would take it for HTTP_PROXY.
    ["Proxy", ""],
  ];
  return [
    "proxy_http_version 1.1;",
    ...headers.map(([name, value]) => `proxy_set_header ${name} "${value}";`),
    "proxy_connect_timeout 5s;",
    "proxy_read_timeout 60s;",
    "proxy_send_timeout 60s;",
    "proxy_buffer_size 16k;",
    "proxy_buffers 8 16k;",
    // Never non_idempotent: a POST that may have arrived is not sent twice.
    "proxy_next_upstream error timeout;",
    "proxy_intercept_errors off;",
    "proxy_socket_keepalive on;",
  ];
}

function powerOfTwoFrom(least: number): number {
  return 2 ** Math.ceil(Math.log2(least));
}

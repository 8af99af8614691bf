import type { NginxPaths } from "./nginx-paths.js";
import type { RouteTarget } from "./plan-routes.js";
import { quoteNginxValue } from "./quote-nginx.js";

/** Who a server belongs to, as lines of the log say it. */
interface LogLabels {
  readonly environmentId: string;
  /** `org:app` */
  readonly app: string;
  /** Whether lines say which execution they are of. */
  readonly isFunction: boolean;
}

/** For the http block: what is logged when a request ends before a server is chosen. */
export function planAccessLog(paths: NginxPaths): readonly string[] {
  return [planFormat("bloom", { environmentId: "", app: "", isFunction: false }), planLog(paths, "bloom")];
}

/** A format for each server, because text costs a request nothing and variables do. */
export function planServerLog(
  paths: NginxPaths,
  name: string,
  { environmentId, org, app, function: own }: Pick<RouteTarget, "environmentId" | "org" | "app" | "function">,
): { readonly format: string; readonly log: string } {
  const labels = { environmentId, app: `${org}:${app}`, isFunction: own !== null };
  return { format: planFormat(name, labels), log: planLog(paths, name) };
}

/** All servers write into one file, and nginx gives a file one buffer. */
function planLog(paths: NginxPaths, format: string): string {
  return `access_log ${quoteNginxValue(paths.accessLog)} ${format} buffer=64k flush=1s;`;
}

function planFormat(name: string, { environmentId, app, isFunction }: LogLabels): string {
  const fields = {
    time: '"$time_iso8601"',
    at: "$msec",
    env: writeText(environmentId),
    app: writeText(app),
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
    // Empty when the request never was for the function: no token, or a browser that only asked for leave.
    ...(isFunction ? { execution: '"$bloom_logged"' } : {}),
  };
  return planJsonFormat(name, fields);
}

/** A format of one JSON object a line. The values are JSON in which nginx's variables stand for texts and numbers. */
export function planJsonFormat(name: string, fields: Readonly<Record<string, string>>): string {
  const line = Object.entries(fields).map(([key, value]) => `"${key}":${value}`);
  return `log_format ${name} escape=json '{${line.join(",")}}';`;
}

/** A text of JSON within a word of nginx in single quotes. */
export function writeText(text: string): string {
  return JSON.stringify(text).replace(/[\\']/g, "\\$&").replaceAll("$", "${bloom_dollar}");
}

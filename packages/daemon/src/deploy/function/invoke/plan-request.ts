import { validateHeaderName, validateHeaderValue } from "node:http";
import { BloomError, type ignite } from "@bloomery/contract";

/** A request as it is written to an instance. */
export interface PlannedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface RequestFacts {
  readonly execution: string;
  readonly org: string;
  readonly app: string;
  /** Longest time the function may take, 0: no limit. */
  readonly timeoutMs: number;
  /** Unix milliseconds. */
  readonly now: number;
}

/** They are about one connection, and this one is ours. The length is that of the payload. */
const dropped = new Set([
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te"],
  ...["trailer", "transfer-encoding", "upgrade", "expect", "content-length"],
]);

/**
 * What an instance is to see of a call: method, path and query as they are, the caller's headers without those the
 * platform sets. Throws ERR_INVALID_ARGUMENT for what cannot be said in HTTP.
 */
export function planRequest({ http, payload }: ignite.InvokeRequest, facts: RequestFacts): PlannedRequest {
  const query = http.query.startsWith("?") ? http.query.slice(1) : http.query;
  const path = query === "" ? http.path : `${http.path}?${query}`;
  if (/[^\u0021-\u007e]/.test(path)) {
    throw new BloomError(
      "ERR_INVALID_ARGUMENT",
      "the path or query has characters that must be percent-encoded",
    );
  }
  const headers = planHeaders(http.headers);
  const deadline = planDeadline(http.headers, facts);
  return {
    method: http.method,
    path,
    headers: {
      host: "localhost",
      ...headers,
      ...(deadline === undefined ? {} : { "x-ignite-deadline": deadline }),
      "x-ignite-execution-id": facts.execution,
      "x-ignite-function-id": `${facts.org}/${facts.app}`,
      "x-ignite-organization-id": facts.org,
      ...(payload.length > 0 || hasBody(http.method) ? { "content-length": String(payload.length) } : {}),
      connection: "close",
    },
    body: payload,
  };
}

function planHeaders(given: Readonly<Record<string, string>>): Record<string, string> {
  const planned: Record<string, string> = {};
  const named = namedIn(given);
  for (const [name, value] of Object.entries(given)) {
    const key = name.toLowerCase();
    if (dropped.has(key) || named.has(key) || key.startsWith("x-ignite-")) continue;
    try {
      validateHeaderName(key);
      validateHeaderValue(key, value);
    } catch {
      throw new BloomError("ERR_INVALID_ARGUMENT", `the header ${JSON.stringify(name)} cannot be sent`);
    }
    planned[key] = value;
  }
  return planned;
}

/** Headers that `Connection` names are about the connection, too. */
function namedIn(given: Readonly<Record<string, string>>): ReadonlySet<string> {
  const [, value = ""] = Object.entries(given).find(([name]) => name.toLowerCase() === "connection") ?? [];
  const names = value.split(",").map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => name !== ""));
}

/** A caller may give a function less time than it has, never more. */
function planDeadline(
  given: Readonly<Record<string, string>>,
  { timeoutMs, now }: RequestFacts,
): string | undefined {
  const [, text = ""] =
    Object.entries(given).find(([name]) => name.toLowerCase() === "x-ignite-deadline") ?? [];
  if (!/^[1-9]\d{0,14}$/.test(text)) return undefined;
  return timeoutMs === 0 || Number(text) < now + timeoutMs ? text : undefined;
}

function hasBody(method: string): boolean {
  return method === "POST" || method === "PUT" || method === "PATCH";
}

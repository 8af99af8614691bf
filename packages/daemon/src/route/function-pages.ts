import { errorCatalog, type ErrorCode } from "@bloomery/contract";
import { quoteNginxValue } from "./quote-nginx.js";

/** What nginx says itself in front of a function: JSON, as the function's own errors are. */
const pages = {
  unauthenticated: { code: "ERR_UNAUTHENTICATED", error: "this function needs a bearer token that is valid" },
  forbidden: { code: "ERR_FORBIDDEN", error: "the token is limited to another app or organization" },
  large: { code: "ERR_BODY_TOO_LARGE", error: "the request is larger than the platform takes" },
  unreachable: {
    code: "ERR_FUNCTION_UNREACHABLE",
    error: "the function broke off without an answer, or could not be started",
  },
  unavailable: {
    code: "ERR_DAEMON_UNREACHABLE",
    error: "the platform cannot check this request at present; try again in a moment",
  },
  stopped: { code: "ERR_APP_STOPPED", error: "the function's owner has stopped it" },
  empty: { code: "ERR_NOTHING_DEPLOYED", error: "nothing has been published here yet" },
  refused: {
    code: "ERR_SYSTEM_PACKAGE_MISSING",
    error: "this nginx cannot check tokens, so only functions that anyone may call are served",
  },
  slow: { code: "ERR_DEADLINE", error: "the function did not answer in time" },
} as const satisfies Record<string, { readonly code: ErrorCode; readonly error: string }>;

export type FunctionPage = keyof typeof pages;

/** Where the catalog's status is not what a caller of a function should see. */
const statuses: Partial<Record<FunctionPage, number>> = { stopped: 503, empty: 503, refused: 503 };

function statusOf(name: FunctionPage): number {
  return statuses[name] ?? errorCatalog[pages[name].code].status;
}

function bodyOf(name: FunctionPage): string {
  return quoteNginxValue(`${JSON.stringify(pages[name])}\n`);
}

const byStatus = ["unauthenticated", "forbidden", "large", "unreachable", "unavailable", "slow"] as const;

/** For the http block: the page of a status that is known only when it is needed. */
export function planFunctionPageMaps(): readonly string[] {
  return [
    "map $status $bloom_function_page {",
    "\tvolatile;",
    ...byStatus.map((name) => `\t${statusOf(name)} ${bodyOf(name)};`),
    "}",
    'map $status $bloom_retry { volatile; default ""; 502 1; 503 1; }',
    'map $status $bloom_challenge { volatile; default ""; 401 Bearer; }',
    // Who was turned away at the door has no execution.
    'map $status $bloom_page_execution { volatile; default $bloom_execution; 401 ""; 403 ""; 413 ""; }',
  ];
}

/** Ends a request with a page, inside any location. */
export function planFunctionPage(name: FunctionPage): readonly string[] {
  return [
    "default_type application/json;",
    'add_header Cache-Control "no-store" always;',
    ...(statusOf(name) === 503 ? ["add_header Retry-After 5 always;"] : []),
    `return ${statusOf(name)} ${bodyOf(name)};`,
  ];
}

import { errorCatalog, type ErrorCode } from "@bloomery/contract";
import { quoteNginxValue } from "./quote-nginx.js";

/** What nginx says itself in front of a function: JSON, as the function's own errors are. */
const pages = {
  unauthenticated: { code: "ERR_UNAUTHENTICATED", error: "this function needs a bearer token that is valid" },
  forbidden: { code: "ERR_FORBIDDEN", error: "the token is limited to another app or organization" },
  guessing: {
    code: "ERR_LIMIT_REACHED",
    error: "too many tokens that nobody knows came from this address; try again later",
  },
  large: { code: "ERR_BODY_TOO_LARGE", error: "the request is larger than the platform takes" },
  unreachable: {
    code: "ERR_FUNCTION_UNREACHABLE",
    error: "the function broke off without an answer, or could not be started",
  },
  unavailable: {
    code: "ERR_DAEMON_UNREACHABLE",
    error: "the platform cannot check this request at present; try again in a moment",
  },
  asleep: {
    code: "ERR_DAEMON_UNREACHABLE",
    error:
      "the function sleeps, and the platform that would wake it does not run at present; try again in a moment",
  },
  stopped: { code: "ERR_APP_STOPPED", error: "the function's owner has stopped it" },
  empty: { code: "ERR_NOTHING_DEPLOYED", error: "nothing has been published here yet" },
  refused: {
    code: "ERR_SYSTEM_PACKAGE_MISSING",
    error: "this nginx cannot check tokens, so only functions that anyone may call are served",
  },
  slow: { code: "ERR_DEADLINE", error: "the function did not answer in time" },
  unreadable: {
    code: "ERR_INVALID_ARGUMENT",
    error:
      "the request cannot be read: its first line or a header is malformed or too long, or its body is cut wrong",
  },
  method: { code: "ERR_INVALID_ARGUMENT", error: "requests with this method reach no function" },
  longPath: { code: "ERR_INVALID_ARGUMENT", error: "the address is longer than 32 kB" },
  encoding: { code: "ERR_INVALID_ARGUMENT", error: "bodies come with a length or in chunks, not otherwise" },
  protocol: { code: "ERR_INVALID_ARGUMENT", error: "this version of HTTP is not spoken here" },
} as const satisfies Record<string, { readonly code: ErrorCode; readonly error: string }>;

export type FunctionPage = keyof typeof pages;

/** Where the catalog's status is not what a caller of a function should see. */
const statuses: Partial<Record<FunctionPage, number>> = {
  ...{ stopped: 503, empty: 503, refused: 503 },
  ...{ method: 405, longPath: 414, encoding: 501, protocol: 505 },
};

function statusOf(name: FunctionPage): number {
  return statuses[name] ?? errorCatalog[pages[name].code].status;
}

function bodyOf(name: FunctionPage): string {
  return quoteNginxValue(`${JSON.stringify(pages[name])}\n`);
}

const byStatus = [
  ...(["unauthenticated", "large", "unreachable", "unavailable", "slow"] as const),
  ...(["unreadable", "method", "longPath", "encoding", "protocol"] as const),
];

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
    'map $status $bloom_page_execution { volatile; default $bloom_execution; 401 ""; 413 ""; }',
  ];
}

/** What is told of a request that found nobody: a function that broke off, or one that nobody is there to wake. */
export function planLostPage(): readonly string[] {
  return [
    `if ($bloom_nobody) { return ${statusOf("asleep")} ${bodyOf("asleep")}; }`,
    `return ${statusOf("unreachable")} ${bodyOf("unreachable")};`,
  ];
}

/** What whoever was turned away is told: his token is for others, or was not even looked up. */
export function planForbiddenPage(): readonly string[] {
  return [
    `if ($bloom_wait) { return ${statusOf("guessing")} ${bodyOf("guessing")}; }`,
    `return ${statusOf("forbidden")} ${bodyOf("forbidden")};`,
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

/** No request can have this address: in theirs `..` is always resolved. */
const unreadPlace = "/../bloom:unread";

/** Where requests end that nginx cannot read, often before it knows which server they are for. */
export const unreadErrors = `error_page 400 405 414 494 501 505 ${unreadPlace};`;

/** Says so; `lines` are headers that belong to it. */
export function planUnread(lines: readonly string[] = []): readonly string[] {
  const inside = [
    "internal;",
    "default_type application/json;",
    'add_header Cache-Control "no-store" always;',
    ...lines,
    "return 200 $bloom_function_page;",
  ];
  return [`location = ${unreadPlace} {`, ...inside.map((line) => `\t${line}`), "}"];
}

import { quoteNginx, quoteNginxValue } from "./quote-nginx.js";

/** What is told in place of an app's answer; words in backquotes are to be typed. */
export interface Page {
  readonly status: number;
  readonly title: string;
  readonly text: string;
}

/** Answers that nginx gives itself. Short, and they say whose turn it is. */
const pages = {
  unknown_host: {
    status: 404,
    title: "No app is served under this host name",
    text: "The server works, but it knows no app by this name. `bloom apps` lists the addresses.",
  },
  missing: {
    status: 404,
    title: "Nothing is served at this path",
    text: "The app's web.locations have neither a file for this path nor pass it on to the app.",
  },
  forbidden: {
    status: 403,
    title: "This may not be shown",
    text: "The file or folder is there, but no `allow` or `index` of the app's web.locations shows it. `bloom route` says which rule decides.",
  },
  method: {
    status: 405,
    title: "Files can only be read",
    text: "Only GET and HEAD are answered here; the app's web.locations pass nothing on to the app.",
  },
  large: {
    status: 413,
    title: "The request is too large",
    text: "The location's `request_buffering.max_request_size` sets the limit.",
  },
  failed: {
    status: 500,
    title: "The locations lead nowhere",
    text: "A `passthru` of the app's web.locations leads in a circle, or a rule's expression takes too long for this path. `bloom route` shows the way.",
  },
  stopped: {
    status: 503,
    title: "This app is stopped",
    text: "Its owner stopped it. `bloom start` brings it back.",
  },
  starting: {
    status: 503,
    title: "This app is not running yet",
    text: "Nothing has been deployed here, or the first start is not finished. Try again in a moment.",
  },
  asleep: {
    status: 503,
    title: "This app is asleep",
    text: "The platform that would wake it does not run at present. Try again in a moment.",
  },
  unreachable: {
    status: 502,
    title: "The app did not answer",
    text: "It is not accepting connections, or it closed this one without a complete answer. `bloom logs` shows what it said, `bloom ps` its state.",
  },
  slow: {
    status: 504,
    title: "The app took too long",
    text: "The connection was open, but no answer came in time. `bloom logs` shows what it was doing.",
  },
} as const;

export type PageName = keyof typeof pages;

/** Maps with the bodies, for the http block: HTML for browsers, plain text for everyone else. */
export function planPageMaps(): readonly string[] {
  return [
    'map $http_accept $bloom_page_type { default "text/plain; charset=utf-8"; "~*text/html" "text/html; charset=utf-8"; }',
    ...Object.entries(pages).flatMap(([name, page]) => [
      `map $http_accept $bloom_page_${name} {`,
      `\tdefault ${quoteNginxValue(formatPage(page, "text"))};`,
      `\t${quoteNginx("~*text/html")} ${quoteNginxValue(formatPage(page, "html"))};`,
      "}",
    ]),
    "map $status $bloom_page {",
    "\tvolatile;",
    ...byStatus.map((name) => `\t${pages[name].status} $bloom_page_${name};`),
    "\tdefault $bloom_page_failed;",
    "}",
  ];
}

/** Pages for what nginx says by itself; the status is known only when they are needed. */
const byStatus = ["forbidden", "missing", "large", "failed", "unreachable", "slow"] as const;

/** The directives that end a request with a page, inside any location. */
export function planPage(name: PageName): readonly string[] {
  return [
    // The type depends on the request, which default_type cannot.
    'default_type "";',
    "add_header Content-Type $bloom_page_type always;",
    'add_header Cache-Control "no-store" always;',
    ...(pages[name].status === 503 ? ["add_header Retry-After 5 always;"] : []),
    `return ${pages[name].status} $bloom_page_${name};`,
  ];
}

export function formatPage(page: Page, kind: "html" | "text"): string {
  if (kind === "text") return `${page.status} ${page.title}\n${page.text}\n`;
  const text = page.text.replace(/`([^`]+)`/g, "<code>$1</code>");
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${page.title}</title><style>body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem;` +
    `color-scheme:light dark}p:first-of-type{opacity:.6;margin:0}h1{font-size:1.4rem;margin:.2rem 0 1rem}</style>` +
    `<p>${page.status}</p><h1>${page.title}</h1><p>${text}</p></html>\n`
  );
}

import { row, type Case } from "./case.js";

const site = { root: "public", passthru: false } as const;
const app = { passthru: true } as const;

/** Rules and inner addresses. */
export const rules: readonly Case[] = [
  row(
    "a rule allows what the location does not",
    { "/": { ...site, allow: false, rules: [{ pattern: "\\.css$", allow: true }] } },
    "GET /a.css",
    ["static", 200, "css"],
  ),
  row(
    "a rule forbids what the location allows",
    { "/": { ...site, rules: [{ pattern: "\\.css$", allow: false }] } },
    "GET /a.css",
    ["forbidden", 403],
  ),
  row(
    "the first rule that matches",
    {
      "/": {
        ...site,
        rules: [
          { pattern: "\\.css$", expiresSeconds: 1 },
          { pattern: "^/a", expiresSeconds: 2 },
        ],
      },
    },
    "GET /a.css",
    ["static", 200, "css"],
    { "cache-control": "max-age=1" },
  ),
  row(
    "the second rule",
    {
      "/": {
        ...site,
        rules: [
          { pattern: "\\.js$", expiresSeconds: 1 },
          { pattern: "^/a", expiresSeconds: 2 },
        ],
      },
    },
    "GET /a.css",
    ["static", 200, "css"],
    { "cache-control": "max-age=2" },
  ),
  row("rules see case", { "/": { ...site, rules: [{ pattern: "A\\.CSS$", allow: false }] } }, "GET /a.css", [
    "static",
    200,
    "css",
  ]),
  row(
    "rules may ignore case",
    { "/": { ...site, rules: [{ pattern: "(?i)A\\.CSS$", allow: false }] } },
    "GET /a.css",
    ["forbidden", 403],
  ),
  row(
    "rules see the whole path",
    { "/": app, "/dir": { ...site, rules: [{ pattern: "^/dir/", passthru: true }] } },
    "GET /dir/none",
    ["app", 200, "GET /dir/none"],
  ),
  row(
    "rules see no query",
    { "/": { ...site, rules: [{ pattern: "css$", allow: false }] } },
    "GET /a.css?x=y",
    ["forbidden", 403],
  ),
  row(
    "rules see the decoded path",
    { "/": { ...site, rules: [{ pattern: "^/with space", allow: false }] } },
    "GET /with%20space.html",
    ["forbidden", 403],
  ),
  row(
    "a rule's passthru",
    { "/": { ...site, rules: [{ pattern: "^/api/", passthru: true }] } },
    "GET /api/x",
    ["app", 200, "GET /api/x"],
  ),
  row(
    "braces and quotes in a rule",
    { "/": { ...site, rules: [{ pattern: "^/[a-z]{1}\\.(?:css|\"q\"|'s')$", allow: false }] } },
    "GET /a.css",
    ["forbidden", 403],
  ),
  row(
    "an address with the query",
    { "/": { ...site, passthru: "/front.php?q=1" }, "/front.php": app },
    "GET /x?a=b&q=2",
    ["app", 200, "GET /front.php?q=1&a=b&q=2"],
  ),
  row("an address without the query", { "/": { ...site, passthru: "/front" }, "/front": app }, "GET /x?a=b", [
    "app",
    200,
    "GET /front?a=b",
  ]),
  row(
    "captures in path and query",
    {
      "/": { ...site, rules: [{ pattern: "^/(?<kind>[a-z]+)/(?<id>\\d+)$", passthru: "/app/$kind?id=$id" }] },
      "/app": app,
    },
    "GET /book/7?x=1",
    ["app", 200, "GET /app/book?id=7&x=1"],
  ),
  row(
    "captures with braces",
    { "/": { ...site, rules: [{ pattern: "^/(?P<kind>[a-z]+)$", passthru: "/app/${kind}s" }] }, "/app": app },
    "GET /book",
    ["app", 200, "GET /app/books"],
  ),
  row(
    "a capture called like nginx's own variable",
    { "/": { ...site, rules: [{ pattern: "^/x/(?<uri>.+)$", passthru: "/app?u=$uri" }] }, "/app": app },
    "GET /x/y",
    ["app", 200, "GET /app?u=y"],
  ),
  row(
    "what is caught is escaped in a query",
    { "/": { ...site, rules: [{ pattern: "(?s)^/x/(?<name>.+)$", passthru: "/app?n=$name" }] }, "/app": app },
    "GET /x/a%26b%20c%0d%0aX:1",
    ["app", 200, "GET /app?n=a%26b%20c%0D%0AX:1"],
  ),
  row(
    "a capture the location's address uses",
    { "/": { ...site, passthru: "/app/$id", rules: [{ pattern: "^/(?<id>\\d+)$" }] }, "/app": app },
    "GET /5",
    ["app", 200, "GET /app/5"],
  ),
  row(
    "a name nothing has caught stays a name",
    { "/": { ...site, passthru: "/app/$id" }, "/app": app },
    "GET /x",
    ["app", 200, "GET /app/$id"],
  ),
  row(
    "an address that is a file of another location",
    { "/": {}, "/favicon.ico": { passthru: "/static/s.txt" }, "/static": { root: "static" } },
    "GET /favicon.ico",
    ["static", 200, "s"],
  ),
  row(
    "an address that leads on",
    { "/": app, "/1": { passthru: "/2" }, "/2": { passthru: "/3" }, "/3": { passthru: "/a" } },
    "GET /1?x",
    ["app", 200, "GET /a?x"],
  ),
  row("an address with escapes", { "/": { ...site, passthru: "/app/a%20b" }, "/app": app }, "GET /x", [
    "app",
    200,
    "GET /app/a%20b",
  ]),
  row("an address leads in a circle", { "/": { ...site, passthru: "/none.html" } }, "GET /x", [
    "missing",
    500,
  ]),
  row(
    "dots that were caught do not climb",
    { "/": { ...site, rules: [{ pattern: "^/(?<a>[^/]*)x/(?<b>.*)$", passthru: "/$a/$b" }] } },
    "GET /..x/secret.txt",
    ["missing", 404],
  ),
];

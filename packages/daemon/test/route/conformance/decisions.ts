import { row, type Case } from "./case.js";

const site = { root: "public", passthru: false } as const;
const both = { root: "public", passthru: true } as const;
const led = { root: "public", passthru: "/page.html" } as const;

/** The table of decisions, row by row, for each method. */
export const decisions: readonly Case[] = [
  row("file, allowed, no passthru", { "/": site }, "GET /a.css", ["static", 200, "css"]),
  row("file, allowed, passthru", { "/": both }, "GET /a.css", ["static", 200, "css"]),
  row("file, allowed, address", { "/": led }, "GET /a.css", ["static", 200, "css"]),
  row("file, allowed, HEAD", { "/": both }, "HEAD /a.css", ["static", 200, ""], { "content-length": "3" }),
  row("file, not allowed, passthru", { "/": { ...both, allow: false } }, "GET /a.css?q=1", [
    "app",
    200,
    "GET /a.css?q=1",
  ]),
  row(
    "file, not allowed, address",
    { "/": { ...led, allow: false, rules: [{ pattern: "page", allow: true }] } },
    "GET /a.css",
    ["static", 200, "page"],
  ),
  row("file, not allowed, no passthru", { "/": { ...site, allow: false } }, "GET /a.css", ["forbidden", 403]),
  row("file, not allowed, no passthru, HEAD", { "/": { ...site, allow: false } }, "HEAD /a.css", [
    "forbidden",
    403,
    "",
  ]),
  row("folder with index", { "/": { ...site, index: ["index.html"] } }, "GET /dir/", [
    "static",
    200,
    "dir index",
  ]),
  row("the first folder of all", { "/": { ...site, index: ["index.html"] } }, "GET /", [
    "static",
    200,
    "home",
  ]),
  row(
    "folder with the second index",
    { "/": { ...site, index: ["index.html", "other.htm"] } },
    "GET /second/",
    ["static", 200, "other"],
  ),
  row(
    "folder without its slash",
    { "/": { ...both, index: ["index.html"] } },
    "GET /dir?a=%41",
    ["static", 301],
    { location: "/dir/?a=%41" },
  ),
  row(
    "folder whose index is not allowed, no passthru",
    { "/": { ...site, index: ["index.html"], rules: [{ pattern: "html$", allow: false }] } },
    "GET /dir/",
    ["forbidden", 403],
  ),
  row(
    "folder whose index is not allowed, passthru",
    { "/": { ...both, index: ["index.html"], rules: [{ pattern: "html$", allow: false }] } },
    "GET /dir/?x=%20",
    ["app", 200, "GET /dir/?x=%20"],
  ),
  row(
    "nothing allowed but the index",
    { "/": { ...site, allow: false, index: ["index.html"], rules: [{ pattern: "html$", allow: true }] } },
    "GET /dir/",
    ["static", 200, "dir index"],
  ),
  row("folder without index, passthru", { "/": { ...both, index: ["index.html"] } }, "GET /bare/", [
    "app",
    200,
    "GET /bare/",
  ]),
  row("folder without index, address", { "/": led }, "GET /bare/", ["static", 200, "page"]),
  row("folder without index, no passthru", { "/": { ...site, index: ["index.html"] } }, "GET /bare/", [
    "forbidden",
    403,
  ]),
  row("folder, no index is named, no passthru", { "/": site }, "GET /dir", ["forbidden", 403]),
  row("missing, passthru", { "/": both }, "GET /none?a=b%2Fc", ["app", 200, "GET /none?a=b%2Fc"]),
  row("missing, address", { "/": led }, "GET /none", ["static", 200, "page"]),
  row("missing, no passthru", { "/": site }, "GET /none", ["missing", 404]),
  row("missing, HEAD", { "/": site }, "HEAD /none", ["missing", 404, ""]),
  row("a file is no folder", { "/": site }, "GET /a.css/", ["missing", 404]),
  ...["POST", "PUT", "DELETE", "PATCH", "OPTIONS"].map((method) =>
    row(`${method} on a file, passthru`, { "/": both }, `${method} /a.css`, ["app", 200, `${method} /a.css`]),
  ),
  ...["POST", "PUT", "DELETE", "PATCH"].map((method) =>
    row(`${method} on a file, no passthru`, { "/": site }, `${method} /a.css`, ["forbidden", 405], {
      allow: "GET, HEAD, OPTIONS",
    }),
  ),
  row("OPTIONS on a file, no passthru", { "/": site }, "OPTIONS /a.css", ["forbidden", 204], {
    allow: "GET, HEAD, OPTIONS",
  }),
  row(
    "POST on a file, address that leads to the app",
    { "/": { ...led, passthru: "/api/x" }, "/api": {} },
    "POST /a.css?q=1",
    ["app", 200, "POST /api/x?q=1"],
  ),
  row("POST on nothing, no passthru", { "/": site }, "POST /none", ["missing", 404]),
  row("no root at all, passthru", { "/": {} }, "GET /a.css", ["app", 200, "GET /a.css"]),
  row("no root at all, no passthru", { "/": { passthru: false } }, "GET /a.css", ["missing", 404]),
  row("everything to the app, as the template says", { "/": { allow: false } }, "GET /%C3%A9?x=1", [
    "app",
    200,
    "GET /%C3%A9?x=1",
  ]),
];

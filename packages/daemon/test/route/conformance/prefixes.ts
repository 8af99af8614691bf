import { row, type Case } from "./case.js";

const site = { root: "public", passthru: false } as const;

/** Which location it is, and where its files are. */
export const prefixes: readonly Case[] = [
  row("the longest prefix", { "/": site, "/dir": { passthru: true } }, "GET /dir/b.txt", [
    "static",
    200,
    "b",
  ]),
  row(
    "a prefix ends at a segment",
    { "/": {}, "/static": { root: "static", passthru: false } },
    "GET /statically",
    ["app", 200, "GET /statically"],
  ),
  row("a root stands for its prefix", { "/": {}, "/static": { root: "static" } }, "GET /static/s.txt", [
    "static",
    200,
    "s",
  ]),
  row(
    "a root inherited with the path below it",
    { "/": site, "/images": { passthru: false, expiresSeconds: 60 } },
    "GET /images/i.svg",
    ["static", 200, "svg"],
    { "cache-control": "max-age=60" },
  ),
  row(
    "a root inherited from a location that is not /",
    { "/": {}, "/s": { root: "public" }, "/s/images": { passthru: false } },
    "GET /s/images/i.svg",
    ["static", 200, "svg"],
  ),
  row(
    "a location for one file",
    { "/": { root: "public" }, "/a.css": { passthru: false, expiresSeconds: 5 } },
    "GET /a.css",
    ["static", 200, "css"],
    { "cache-control": "max-age=5" },
  ),
  row(
    "a location for one file that is missing",
    { "/": { root: "public" }, "/none.css": { passthru: false } },
    "GET /none.css",
    ["missing", 404],
  ),
  row(
    "the prefix itself is a folder",
    { "/": {}, "/static": { root: "public", passthru: false, index: ["index.html"] } },
    "GET /static/",
    ["static", 200, "home"],
  ),
  row(
    "the prefix itself without its slash",
    { "/": {}, "/static": { root: "public", passthru: false, index: ["index.html"] } },
    "GET /static",
    ["static", 301],
    { location: "/static/" },
  ),
  row(
    "the prefix itself without index",
    { "/": {}, "/static": { root: "public", passthru: false } },
    "GET /static",
    ["forbidden", 403],
  ),
  row(
    "the prefix itself is subject to rules",
    { "/": { passthru: false }, "/api": { passthru: false, rules: [{ pattern: "^/api$", passthru: true }] } },
    "GET /api",
    ["app", 200, "GET /api"],
  ),
  row(
    "a root that is a mount",
    { "/": {}, "/files": { root: "uploads", passthru: false } },
    "GET /files/u.txt",
    ["static", 200, "u"],
  ),
  row(
    "a root below a mount",
    { "/": {}, "/files": { root: "uploads/sub", passthru: false, index: ["index.html"] } },
    "GET /files/",
    ["static", 200, "sub index"],
  ),
  row("a mount below a root", { "/": { root: "", passthru: false } }, "GET /uploads/u.txt", [
    "static",
    200,
    "u",
  ]),
  row(
    "a link planted in a mount",
    { "/": {}, "/files": { root: "uploads", passthru: false } },
    "GET /files/link.txt",
    ["missing", 404],
  ),
  row(
    "a linked folder in a mount",
    { "/": {}, "/files": { root: "uploads", passthru: false } },
    "GET /files/folder/secret.txt",
    ["missing", 404],
  ),
  row("the app's own folder as root", { "/": { root: "", passthru: false } }, "GET /secret.txt", [
    "static",
    200,
    "secret",
  ]),
  row("no climbing", { "/": site }, "GET /..%2fsecret.txt", ["missing", 400]),
  row("files with a dot are files", { "/": site }, "GET /.hidden", ["static", 200, "dot"]),
  row(".htaccess is a file", { "/": site }, "GET /.htaccess", ["static", 200, "Deny from all"]),
  row("a name with a space", { "/": site }, "GET /with%20space.html", ["static", 200, "space"]),
  row("a name without an ending", { "/": site }, "GET /no-ending", ["static", 200, "plain"], {
    "content-type": "application/octet-stream",
  }),
  row("slashes are one", { "/": site }, "GET //dir///b.txt", ["static", 200, "b"]),
];

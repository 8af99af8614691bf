import { row, long, type Case } from "./case.js";

const site = { root: "public", passthru: false } as const;
const kept = { ...site, expiresSeconds: 3600 } as const;
const get = (path: string, headers: Readonly<Record<string, string>> = {}) => ({
  method: "GET",
  path,
  headers,
});
const type = (value: string) => ({ ...site, headers: { "content-type": value } });

/** Headers, caching and compression of files. */
export const staticAnswers: readonly Case[] = [
  row("no caching is the default", { "/": site }, "GET /a.css", ["static", 200, "css"], {
    "cache-control": "no-cache",
    expires: /GMT$/,
  }),
  row("kept for a time", { "/": kept }, "GET /a.css", ["static", 200], {
    "cache-control": "max-age=3600",
    expires: /GMT$/,
  }),
  row("kept for no time", { "/": { ...site, expiresSeconds: 0 } }, "GET /a.css", ["static", 200], {
    "cache-control": "max-age=0",
  }),
  row(
    "a Cache-Control of its own wins",
    { "/": { ...kept, headers: { "cache-control": "private" } } },
    "GET /a.css",
    ["static", 200],
    {
      "cache-control": "private",
      expires: null,
    },
  ),
  row(
    "headers of the location",
    { "/": { ...site, headers: { "X-One": '$uri "1" {};', "X-Two": "2" } } },
    "GET /a.css",
    ["static", 200],
    {
      "x-one": '$uri "1" {};',
      "x-two": "2",
    },
  ),
  row(
    "headers of a rule replace all of the location's",
    { "/": { ...site, headers: { "X-One": "1" }, rules: [{ pattern: "css", headers: { "X-Two": "2" } }] } },
    "GET /a.css",
    ["static", 200],
    {
      "x-one": null,
      "x-two": "2",
    },
  ),
  row(
    "headers stay with a rule without its own",
    { "/": { ...site, headers: { "X-One": "1" }, rules: [{ pattern: "css", allow: true }] } },
    "GET /a.css",
    ["static", 200],
    { "x-one": "1" },
  ),
  row(
    "headers only on files",
    { "/": { root: "public", headers: { "X-One": "1" }, expiresSeconds: 60 } },
    "GET /none",
    ["app", 200],
    {
      "x-one": null,
      "cache-control": null,
    },
  ),
  row("no headers on pages", { "/": { ...site, headers: { "X-One": "1" } } }, "GET /none", ["missing", 404], {
    "x-one": null,
  }),
  row("a type without charset", { "/": site }, "GET /a.css", ["static", 200], { "content-type": "text/css" }),
  row("a type of its own", { "/": type("text/x-mine; charset=utf-8") }, "GET /a.css", ["static", 200], {
    "content-type": "text/x-mine; charset=utf-8",
  }),
  row(
    "the type of a rule",
    { "/": { ...site, rules: [{ pattern: "ending$", headers: { "Content-Type": "text/y" } }] } },
    "GET /no-ending",
    ["static", 200],
    { "content-type": "text/y" },
  ),
  row(
    "any origin is answered by name",
    { "/": { ...site, headers: { "Access-Control-Allow-Origin": "*" } } },
    get("/a.css", { origin: "https://a.example" }),
    ["static", 200],
    {
      "access-control-allow-origin": "https://a.example",
      vary: /Origin/,
    },
  ),
  row(
    "one origin stays as written",
    { "/": { ...site, headers: { "Access-Control-Allow-Origin": "https://b.example" } } },
    get("/a.css", { origin: "https://a.example" }),
    ["static", 200],
    {
      "access-control-allow-origin": "https://b.example",
    },
  ),
  row("a validator and ranges", { "/": site }, get("/a.css", { range: "bytes=1-1" }), ["static", 206, "s"], {
    etag: /^"/,
    "accept-ranges": null,
    "content-range": "bytes 1-1/3",
  }),
  row("a range beyond the end", { "/": site }, get("/a.css", { range: "bytes=9-" }), ["static", 416]),
  row("a wrong validator", { "/": site }, get("/a.css", { "if-match": '"other"' }), ["static", 412]),
  row(
    "gzip for what may be kept",
    { "/": kept },
    get("/long.css", { "accept-encoding": "gzip" }),
    ["static", 200],
    {
      "content-encoding": "gzip",
      vary: /Accept-Encoding/,
    },
  ),
  row("no gzip without the client's wish", { "/": kept }, "GET /long.css", ["static", 200, long], {
    "content-encoding": null,
  }),
  row(
    "no gzip for what may not be kept",
    { "/": site },
    get("/long.css", { "accept-encoding": "gzip" }),
    ["static", 200, long],
    { "content-encoding": null },
  ),
  row(
    "gzip by a rule's time",
    { "/": { ...site, rules: [{ pattern: "css$", expiresSeconds: 9 }] } },
    get("/long.css", { "accept-encoding": "gzip" }),
    ["static", 200],
    { "content-encoding": "gzip" },
  ),
  row(
    "no gzip for other types",
    { "/": kept },
    get("/long.png", { "accept-encoding": "gzip" }),
    ["static", 200, long],
    { "content-encoding": null },
  ),
  row(
    "a sibling compressed beforehand, of any type",
    { "/": site },
    get("/pre.bin", { "accept-encoding": "gzip" }),
    ["static", 200],
    {
      "content-encoding": "gzip",
      "content-type": "application/octet-stream",
    },
  ),
  row(
    "the file itself where no compression is accepted",
    { "/": site },
    "GET /pre.bin",
    ["static", 200, "uncompressed"],
    { "content-encoding": null },
  ),
  row(
    "answers of the app are not compressed",
    { "/": kept },
    get("/none", { "accept-encoding": "gzip" }),
    ["missing", 404],
    { "content-encoding": null },
  ),
];

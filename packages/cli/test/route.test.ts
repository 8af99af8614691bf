import { afterEach, beforeEach, expect, test } from "vitest";
import type { RouteExplanation } from "@bloomery/contract";
import { run, startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";

const explanation: RouteExplanation = {
  url: "/style.css",
  method: "GET",
  location: { path: "/", root: "public" },
  rule: { number: 2, pattern: "\\.css$" },
  file: { path: "public/style.css", found: "file" },
  outcome: "static",
  status: 200,
  rewrittenTo: null,
  steps: ["the location / has the longest prefix", "rule 2 matches"],
};

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await startFakeDaemon();
  daemon.answers.explainRoute = { body: explanation };
});
afterEach(() => daemon.close());

const route = (...argv: string[]): ReturnType<typeof run> =>
  run(["route", "shop", ...argv], { BLOOM_API: daemon.url });

test("tells the outcome, what decided it, and the steps; --json the document", async () => {
  const { code, stdout } = await route("/style.css");
  expect([code, stdout.trimEnd().split("\n")]).toEqual([
    0,
    [
      "GET /style.css: nginx sends the file (200)",
      "  location      / (files from public)",
      "  rule          2: \\.css$",
      "  file          public/style.css (file)",
      "  1. the location / has the longest prefix",
      "  2. rule 2 matches",
    ],
  ]);
  expect(JSON.parse((await route("/style.css", "--json")).stdout)).toEqual(explanation);
});

test.each<[RouteExplanation["outcome"], number, string]>([
  ["static", 301, "nginx sends the client on (301)"],
  ["missing", 400, "refused: this is no path (400)"],
  ["missing", 404, "not found (404)"],
  ["forbidden", 403, "refused (403)"],
  ["forbidden", 405, "refused: files can only be read (405)"],
  ["missing", 500, "nginx gives up: the paths lead in a circle (500)"],
])("%s with %i", async (outcome, status, said) => {
  daemon.answers.explainRoute = { body: { ...explanation, outcome, status } };
  expect((await route("/style.css")).stdout.split("\n")[0]).toBe(`GET /style.css: ${said}`);
});

test("leaves out what did not happen", async () => {
  const nothing = { location: null, rule: null, file: null, status: null, steps: [] };
  daemon.answers.explainRoute = { body: { ...explanation, ...nothing, outcome: "unknown_host" } };
  expect((await route("http://else.localhost/")).stdout).toBe("GET /style.css: no app has this host name\n");
});

test.each([
  [["/a?b=1&c"], { url: "/a?b=1&c", method: "GET" }],
  [["http://shop-local.localhost:4680/a b"], { url: "http://shop-local.localhost:4680/a b", method: "GET" }],
  [["/", "--method", "post", "-e", "staging"], { url: "/", method: "POST" }],
])("%j", async (argv, query) => {
  expect((await route(...argv)).code).toBe(0);
  expect(daemon.calls[0]?.query).toEqual(query);
});

test.each([
  [["style.css"], "Begin a path with a slash: /style.css."],
  [["ftp://shop/"], "neither a path nor a URL"],
  [[""], "neither a path nor a URL"],
  [["/", "--method", "GET /"], "--method is `GET /`"],
  [[], "missing required argument 'url'"],
])("%j is refused with exit code 2", async (argv, words) => {
  const { code, stderr } = await route(...argv);
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  expect(daemon.calls).toEqual([]);
});

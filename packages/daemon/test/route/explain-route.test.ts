import { describe, expect, test } from "vitest";
import { completeLocation, type LocationConfig } from "@bloomery/contract";
import { explainRoute, type LookUp } from "../../src/route/explain-route.js";
import { parseRequestPath } from "../../src/route/parse-request-path.js";
import type { FunctionRoute } from "../../src/route/plan-routes.js";
import { makeFunction } from "./serve-function.js";
import { makeStream, makeTcpApp } from "./serve-stream.js";
import { makeTarget } from "./targets.js";

const lookUp: LookUp = async (path) =>
  ["public", "public/dir"].includes(path) ? "folder" : path === "public/a.css" ? "file" : "nothing";
const explain = (locations: Record<string, Partial<LocationConfig>>, url: string, method = "GET") =>
  explainRoute(
    makeTarget({
      artifactDir: "/app",
      locations: Object.fromEntries(
        Object.entries(locations).map(([key, one]) => [key, completeLocation(one)]),
      ),
    }),
    { url, method },
    lookUp,
  );

describe("explainRoute", () => {
  test("names the location, the rule by its number, and the file", async () => {
    const rules = [{ pattern: "\\.js$" }, { pattern: "\\.css$", allow: false }];
    expect(await explain({ "/": { root: "public", passthru: false, rules } }, "/a.css?x")).toEqual({
      url: "/a.css?x",
      method: "GET",
      location: { path: "/", root: "public" },
      rule: { number: 2, pattern: "\\.css$" },
      file: { path: "public/a.css", found: "file" },
      outcome: "forbidden",
      status: 403,
      rewrittenTo: null,
      steps: ["location /, rule 2: \\.css$", "public/a.css: file", "not allowed and no passthru"],
    });
  });

  test("follows an address and keeps the first decision", async () => {
    const explained = await explain({ "/": { passthru: "/api?x=1" }, "/api": {} }, "/a?y=2");
    expect(explained).toMatchObject({
      location: { path: "/" },
      outcome: "app",
      status: null,
      rewrittenTo: "/api?x=1&y=2",
    });
  });

  test("a circle ends", async () => {
    expect(await explain({ "/": { root: "public", passthru: "/b" } }, "/a")).toMatchObject({ status: 500 });
  });

  test("whole addresses are compared with the app's names", async () => {
    const own = await explain({ "/": {} }, "http://shop-local.localhost:4680/a");
    expect(own.outcome).toBe("app");
    expect(await explain({ "/": {} }, "http://other.localhost/a")).toMatchObject({
      outcome: "unknown_host",
      status: 404,
    });
  });

  test("of a function every request is the handler's, and it is said who may call", async () => {
    const explainFunction = (own: Partial<FunctionRoute>, url: string) =>
      explainRoute(makeFunction("/home", own), { url, method: "PURGE" }, lookUp);
    expect(await explainFunction({ access: { kind: "bearer", authority: "/a" } }, "/../x?y")).toMatchObject({
      ...{ outcome: "app", status: null, location: null, file: null },
      steps: ["a function: every request goes to the handler, bearer needed"],
    });
    const { steps } = await explainFunction({ gate: { socket: "/g", answers: false } }, "/");
    expect(steps).toEqual([
      "a function: every request goes to the handler, anyone may call; held against its schemas first",
    ]);
  });

  test("a tcp app has no requests, only ports", async () => {
    const target = makeTcpApp([makeStream({ port: 7000 }), makeStream({ port: 7001 })]);
    expect(await explainRoute(target, { url: "/a", method: "GET" }, lookUp)).toMatchObject({
      outcome: "unknown_host",
      steps: ["a tcp app: it has no host name, its clients connect to port 7000, 7001"],
    });
  });

  test("an expression only nginx knows is said", async () => {
    const { steps } = await explain({ "/": { rules: [{ pattern: "a++" }] } }, "/a");
    expect(steps[0]).toMatch(/only be tried by nginx/);
  });
});

test.each<[string, string | null, string]>([
  ["/a//b/./c/../d?x?y#z", "/a/b/d", "x?y"],
  ["/a/", "/a/", ""],
  ["/a/.", "/a/", ""],
  ["/a/b/..", "/a/", ""],
  ["/%C3%A9%20", "/é ", ""],
  ["http://h/x", "/x", ""],
  ["http://h?q", "/", "q"],
  ["", "/", ""],
  ["/..", null, ""],
  ["/%2e%2e/x", null, ""],
  ["/%zz", null, ""],
  ["/%00", null, ""],
  ["a", null, ""],
])("the path of %s is %s", (url, path, query) => {
  expect(parseRequestPath(url)).toMatchObject({ path, query });
});

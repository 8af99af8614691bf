import { describe, expect, test } from "vitest";
import type { LocationConfig } from "@bloomery/contract";
import { planNginxPaths } from "../../src/route/nginx-paths.js";
import { isAtLeast, type NginxVersion } from "../../src/route/plan-http.js";
import { planLocations } from "../../src/route/plan-locations.js";
import { planNginx, type NginxFacts } from "../../src/route/plan-nginx.js";
import { planRoutes } from "../../src/route/plan-routes.js";
import { makeTarget } from "./targets.js";

const facts: NginxFacts = {
  paths: planNginxPaths("/home/b/nginx"),
  listen: [
    { address: "127.0.0.1", port: 4680 },
    { address: "::1", port: 4680 },
  ],
  version: [1, 22, 1],
  workers: 2,
  workerUser: null,
};

const location = (wish: Partial<LocationConfig>): LocationConfig => ({
  root: null,
  passthru: false,
  allow: true,
  ...wish,
});

describe("planNginx", () => {
  test("everything nginx writes lies below its prefix", () => {
    const text = planNginx(planRoutes([makeTarget()]), facts);
    const written = [...text.matchAll(/^\t*(?:pid|error_log|access_log|\w+_temp_path) "([^"]*)"/gm)].map(
      (match) => match[1],
    );
    expect(written).toHaveLength(8);
    for (const path of written) expect(path).toMatch(/^\/home\/b\/nginx\//);
  });

  test("listens on every address, and the page for unknown hosts is the default of each", () => {
    const text = planNginx(planRoutes([makeTarget()]), facts);
    expect(text.match(/listen 127\.0\.0\.1:4680/g)).toHaveLength(2);
    expect(text.match(/listen \[::1\]:4680/g)).toHaveLength(2);
    expect(text.match(/default_server/g)).toHaveLength(2);
  });

  test("a stopped app, and one without instances, have no upstream", () => {
    const stopped = planNginx(planRoutes([makeTarget({ state: "stopped" })]), facts);
    expect(stopped).not.toContain("proxy_pass");
    expect(stopped).toContain("return 503 $bloom_page_stopped;");
    const empty = planNginx(planRoutes([makeTarget({ servers: [] })]), facts);
    expect(empty).not.toContain("upstream bloom_");
    expect(empty).toContain("return 503 $bloom_page_starting;");
  });

  test("the tables of names grow with what they hold", () => {
    const long = `${"x".repeat(60)}.${"y".repeat(60)}.example.com`;
    const many = Array.from({ length: 3000 }, (_, index) =>
      makeTarget({ environmentId: `env-${index}`, hostNames: [`a${index}.${long}`] }),
    );
    const text = planNginx(planRoutes(many), facts);
    expect(text).toContain("server_names_hash_max_size 16384;");
    expect(text).toContain("server_names_hash_bucket_size 256;");
  });

  test("a worker user is named only for a master that is root", () => {
    expect(planNginx([], facts)).not.toMatch(/^user /m);
    expect(planNginx([], { ...facts, workerUser: { user: "nobody", group: "nogroup" } })).toMatch(
      /^user "nobody" "nogroup";$/m,
    );
  });

  test.each<[NginxVersion, boolean]>([
    [[1, 27, 3], false],
    [[1, 27, 4], true],
    [[1, 28, 0], true],
    [[2, 0, 0], true],
    [[1, 22, 1], false],
  ])("nginx %j knows keepalive_min_timeout: %s", (version, knows) => {
    expect(isAtLeast(version, [1, 27, 4])).toBe(knows);
    expect(planNginx([], { ...facts, version }).includes("keepalive_min_timeout")).toBe(knows);
  });
});

describe("planLocations", () => {
  const plan = (
    locations: Record<string, LocationConfig>,
    artifactDir: string | null = "/artifact",
  ): string => planLocations(makeTarget({ locations, artifactDir }), "up").join("\n");

  test("an app without locations takes everything", () => {
    expect(plan({})).toBe(
      'location "/" {\n\tif ($bloom_live) { return 418; }\n\tproxy_pass http://up$bloom_once;\n}',
    );
  });

  test("a prefix ends at a segment", () => {
    const text = plan({ "/docs": location({ passthru: true }) });
    expect(text).toContain('location = "/docs" {');
    expect(text).toContain('location "/docs/" {');
  });

  test.each([
    ["passthru", location({ passthru: true }), "proxy_pass", "alias"],
    ["nothing", location({}), "return 404;", "proxy_pass"],
    [
      "root and passthru",
      location({ root: "public", passthru: true }),
      "try_files $uri @bloom_app;",
      "proxy_pass",
    ],
    ["root alone", location({ root: "public" }), "try_files $uri $uri/ =404;", "proxy_pass"],
    [
      "root, passthru, not allowed",
      location({ root: "public", passthru: true, allow: false }),
      "proxy_pass",
      "alias",
    ],
    [
      "root, not allowed",
      location({ root: "public", allow: false }),
      "if (-f $request_filename) { return 403; }",
      "proxy_pass",
    ],
  ])("%s", (_name, config, has, hasNot) => {
    const text = plan({ "/": config });
    expect(text).toContain(has);
    expect(text).not.toContain(hasNot);
  });

  test("without a tree on this machine nothing is static", () => {
    expect(plan({ "/": location({ root: "public" }) }, null)).not.toContain("alias");
  });

  test.each(["..", "../other", "public/../../x"])("a root of %s is refused", (root) => {
    expect(() => plan({ "/": location({ root }) })).toThrowError(
      expect.objectContaining({ code: "ERR_INTERNAL" }),
    );
  });
});

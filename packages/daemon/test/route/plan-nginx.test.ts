import { describe, expect, test } from "vitest";
import { completeLocation, type LocationConfig } from "@bloomery/contract";
import { planNginxPaths } from "../../src/route/nginx-paths.js";
import { isAtLeast, type NginxVersion } from "../../src/route/plan-http.js";
import { planLocations } from "../../src/route/plan-locations.js";
import { planNginx, type NginxFacts } from "../../src/route/plan-nginx.js";
import { readFeatures } from "../../src/route/nginx-modules.js";
import { planRoutes, type RouteTarget } from "../../src/route/plan-routes.js";
import { makeTarget } from "./targets.js";

const facts: NginxFacts = {
  paths: planNginxPaths("/home/b/nginx"),
  listen: [
    { address: "127.0.0.1", port: 4680 },
    { address: "::1", port: 4680 },
  ],
  version: [1, 22, 1],
  modules: [],
  stream: null,
  workers: 2,
  workerUser: null,
};

const location = (wish: Partial<LocationConfig>): LocationConfig =>
  completeLocation({ passthru: false, ...wish });

describe("planNginx", () => {
  test("everything nginx writes lies below its prefix", () => {
    const text = planNginx(planRoutes([makeTarget()]), facts);
    const written = [...text.matchAll(/^\t*(?:pid|error_log|access_log|\w+_temp_path) "([^"]*)"/gm)].map(
      (match) => match[1],
    );
    // The one log is named twice: for the server, and for what comes before one is chosen.
    expect(written).toHaveLength(9);
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
    wish: Partial<RouteTarget> = { artifactDir: "/artifact" },
  ) => {
    const { maps, lines } = planLocations(makeTarget({ locations, ...wish }), "up", readFeatures([]));
    return [...maps, ...lines].join("\n");
  };

  test("an app without files takes everything", () => {
    expect(plan({ "/": location({ passthru: true }) })).toMatch(
      /^location "\/" \{\n\tset \$bloom_next \$bloom_app0;\n\treturn 420;\n\}\n/,
    );
  });

  test("a prefix ends at a segment", () => {
    const text = plan({ "/": location({}), "/docs": location({ passthru: true }) });
    expect(text).toContain('location = "/docs" {');
    expect(text).toContain('location "/docs/" {');
  });

  test("many prefixes are one map, except for those that limit bodies otherwise", () => {
    const requestBuffering = { enabled: true, maxBodyBytes: 1 };
    const many = Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [`/p${index}`, location({ passthru: true })]),
    );
    const text = plan({
      "/": location({}),
      ...many,
      "/p1": location({ requestBuffering }),
      "/p1/below": location({}),
    });
    expect(text).toContain("(?<bloom_prefix>/p0|/p2|/p3|/p4|/p5|/p6|/p7|/p8|)(?<bloom_rest>(?:/.*)?)");
    expect(text).toContain('"/p2" "$bloom_app0|";');
    expect(text.match(/location (?:= )?"[^"]*"/g)).toEqual([
      'location = "/p1"',
      'location "/p1/"',
      'location = "/p1/below"',
      'location "/p1/below/"',
    ]);
  });

  test("equal locations share the blocks that decide", () => {
    const site = location({ root: "public", headers: { "X-A": "1" } });
    const one = plan({ "/": location({}), "/a": site });
    const two = plan({ "/": location({}), "/a": site, "/b": { ...site, root: "other" } });
    expect(two.match(/location @b/g)).toHaveLength(one.match(/location @b/g)?.length ?? 0);
  });

  test("without a tree on this machine only mounts are static", () => {
    const locations = { "/": location({ root: "public" }), "/up": location({ root: "uploads/a" }) };
    const text = plan(locations, { artifactDir: null, mounts: [{ path: "uploads", source: "/volume" }] });
    expect(text.match(/alias [^;]*/g)).toEqual(['alias "/volume/a"', 'alias "/volume/a/"']);
    expect(text).toContain('disable_symlinks on "from=/volume";');
  });

  test.each(["..", "../other", "public/../../x"])("a root of %s is refused", (root) => {
    expect(() => plan({ "/": location({ root }) })).toThrowError(
      expect.objectContaining({ code: "ERR_INTERNAL" }),
    );
  });

  test("held requests outlast the time an app has to answer", () => {
    const timeouts = { connectSeconds: 1, readSeconds: 2, sendSeconds: 3, streamSeconds: 4 };
    const wish = { timeouts, holdSeconds: 30 };
    const locations = { "/": location({ passthru: true }) };
    const text = plan(locations, { ...wish, holdSocket: "/hold.sock" });
    const blockOf = (name: string): string =>
      text.split(`location @bloom_${name} {`)[1]?.split("}\n")[0] ?? "";
    expect(text).toContain("proxy_read_timeout 2s;");
    expect(blockOf("refused")).toContain("proxy_read_timeout 40s;");
    expect(text).toContain("error_page 502 = @bloom_refused;");
    expect(plan(locations, { ...wish, holdSocket: null })).not.toContain("@bloom_refused");
  });

  test("an app that sleeps is not taken for one that is broken when nobody is there to wake it", () => {
    const locations = { "/": location({ passthru: true }) };
    const text = plan(locations, { sleeps: true, holdSocket: "/hold.sock" });
    const [, nobody = ""] = text.split("location @bloom_nobody {");
    expect(nobody.split("\t}\n")[0]).toMatch(
      /if \(\$bloom_nobody = ""\) \{ return 502; \}.*Retry-After 5.*return 503/s,
    );
    expect(text.match(/error_page 502 = @bloom_nobody;/g)).toHaveLength(2);
    for (const wish of [
      { sleeps: false, holdSocket: "/hold.sock" },
      { sleeps: true, holdSocket: null },
    ])
      expect(plan(locations, wish)).not.toContain("@bloom_nobody");
  });

  test("what an app has broken off goes nowhere else when it was collected first", () => {
    const locations = { "/": location({ passthru: true }) };
    const text = plan(locations, { holdSocket: "/hold.sock" });
    const live = text.split("location @bloom_live0 {")[1]?.split("}\n")[0];
    expect(live).toContain("error_page 502 = @bloom_refused_live;");
    expect(live).toMatch(/proxy_pass http:\/\/\S+_once;/);
  });
});

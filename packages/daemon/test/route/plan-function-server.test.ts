import { describe, expect, test } from "vitest";
import { planNginxPaths } from "../../src/route/nginx-paths.js";
import { readFeatures } from "../../src/route/nginx-modules.js";
import { planAuthorityCache } from "../../src/route/plan-function-access.js";
import { planFunction } from "../../src/route/plan-function-server.js";
import type { FunctionRoute, RouteTarget } from "../../src/route/plan-routes.js";
import { makeFunction } from "./serve-function.js";
import { makeTarget } from "./targets.js";

const bearer: FunctionRoute["access"] = { kind: "bearer", authority: "/up/authority.sock" };

function plan(
  own: Partial<FunctionRoute> = {},
  wish: Partial<RouteTarget> = {},
  modules: string[] = [],
): string {
  const target = makeFunction("/home", own, wish);
  const { function: route } = target;
  if (route === null) throw new Error("not a function");
  const { before, lines } = planFunction({ ...target, function: route }, "up", readFeatures(modules));
  return [...before, ...lines].join("\n");
}

const blockOf = (text: string, name: string): string =>
  text.split(`location @bloom_${name} {`)[1]?.split("\n}\n")[0] ?? "";
const ways = ["app0", "once0", "stream0", "live0"];

describe("planFunction", () => {
  test("there is one location for requests, and all others are nobody's to ask for", () => {
    const places = plan({ access: bearer }).match(/^location .*$/gm) ?? [];
    const open = places.filter((line) => !line.includes("@"));
    expect(open).toEqual(["location / {", "location = bloom:authority {", "location = /../bloom:unread {"]);
  });

  test("every way to the handler is checked and has an execution; the way to the hold is behind a check", () => {
    const text = plan({ access: bearer, gate: { socket: "/gate.sock", answers: false } });
    for (const way of [...ways, "gate0"]) {
      expect(blockOf(text, way)).toContain("auth_request bloom:authority;");
      expect(blockOf(text, way)).toContain('set $bloom_execution "x-$request_id";');
    }
    expect(blockOf(text, "refused")).not.toContain("auth_request");
    expect(plan()).not.toContain("auth_request");
  });

  test("headers of the platform stand for whatever a caller says", () => {
    const text = plan({ access: bearer });
    expect(text).toContain('proxy_set_header x-ignite-execution-id "$bloom_execution";');
    expect(text).toContain('proxy_set_header x-ignite-function-id "acme/hello";');
    expect(text).toContain('proxy_set_header x-ignite-organization-id "acme";');
    expect(text).toContain('proxy_set_header x-ignite-deadline "";');
    expect(text).toContain('proxy_set_header Authorization "";');
    expect(text).toContain('proxy_set_header X-Real-IP "$remote_addr";');
    expect(plan()).not.toContain('proxy_set_header Authorization "";');
    const module = "/modules/ngx_http_headers_more_filter_module.so";
    expect(plan({}, {}, [module])).toContain('more_clear_input_headers "x-ignite-*";');
    expect(text).not.toContain("more_clear_input_headers");
  });

  test("nginx waits a little longer than the function may take, and longer where it may be held", () => {
    const text = plan({ timeoutSeconds: 60 }, { holdSeconds: 300 });
    expect(text).toContain("\nproxy_read_timeout 70s;");
    expect(blockOf(text, "stream0")).toContain("proxy_read_timeout 370s;");
    expect(blockOf(text, "refused")).toContain("proxy_read_timeout 370s;");
  });

  test("only bodies that are passed on as they come have the hold as a backup", () => {
    const text = plan();
    expect(blockOf(text, "stream0")).toContain("proxy_request_buffering off;");
    expect(blockOf(text, "stream0")).toContain("proxy_pass http://up_direct;");
    expect(blockOf(text, "once0")).not.toContain("proxy_request_buffering");
    expect(text).toContain("error_page 502 = @bloom_refused;");
    expect(blockOf(text, "stream0")).toContain("error_page 502 = @bloom_lost;");
    expect(blockOf(plan({}, { holdSocket: null }), "stream0")).toContain("error_page 502 @bloom_page;");
  });

  test("where there is a gate, what it checks goes there", () => {
    expect(plan({ gate: { socket: "/gate.sock", answers: false } })).toContain(
      "set $bloom_next $bloom_function_input;",
    );
    const text = plan({ gate: { socket: "/gate.sock", answers: true } });
    expect(text).toContain("set $bloom_next $bloom_function_checked;");
    expect(text).toContain('upstream up_gate {\n\tserver "unix:/gate.sock" max_fails=0;\n}');
    expect(blockOf(text, "gate0")).toContain("error_page 502 =503 @bloom_unavailable;");
  });

  test.each<[string, Partial<FunctionRoute>, Partial<RouteTarget>, string]>([
    ["a stopped one", {}, { state: "stopped" }, "ERR_APP_STOPPED"],
    [
      "one that has neither a name nor anybody who wakes it",
      {},
      { servers: [], holdSocket: null },
      "ERR_NOTHING_DEPLOYED",
    ],
    ["one that nginx cannot guard", { access: { kind: "refused" } }, {}, "ERR_SYSTEM_PACKAGE_MISSING"],
  ])("%s answers 503 and leads nowhere", (_what, own, wish, code) => {
    const text = plan(own, wish);
    expect(text).toContain("return 503 ");
    expect(text).toContain(code);
    expect(text).not.toContain("proxy_pass");
  });

  test("one without a name for an instance is led to who wakes it", () => {
    expect(plan({}, { servers: [] })).toContain(
      'upstream up_once {\n\tserver "unix:/home/hold.sock" max_fails=0;\n}',
    );
  });
});

test("the memory of tokens is there only for functions that need it", () => {
  const paths = planNginxPaths("/home/b/nginx");
  expect(planAuthorityCache(paths, [makeTarget(), makeFunction("/home")])).toEqual([]);
  const [line] = planAuthorityCache(paths, [makeFunction("/home", { access: bearer })]);
  expect(line).toContain('proxy_cache_path "/home/b/nginx/temp/authority" ');
});

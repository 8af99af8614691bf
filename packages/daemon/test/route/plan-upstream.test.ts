import { expect, test } from "vitest";
import { planUpstream } from "../../src/route/plan-upstream.js";
import { makeTarget } from "./targets.js";

const servers = ["198.18.128.1", "198.18.128.2"].map(
  (address) => ({ kind: "tcp", address, port: 8888 }) as const,
);
const anyone = { access: { kind: "anyone" }, timeoutSeconds: 60, gate: null } as const;
const planOf = (wish: Parameters<typeof makeTarget>[0]): string =>
  planUpstream("up", makeTarget({ holdSocket: "/hold.sock", ...wish })).join("\n");

test("replicas: the fewest requests under way, and who failed rests, but never where all may have", () => {
  const list = (limits: string): string =>
    `\tleast_conn;\n\tserver 198.18.128.1:8888 ${limits};\n\tserver 198.18.128.2:8888 ${limits};\n`;
  const text = planOf({ servers });
  const resting = list("max_fails=1 fail_timeout=1s");
  expect(text).toContain(`upstream up_once {\n${resting}}`);
  expect(text).toContain(`upstream up {\n${resting}\tkeepalive 64;`);
  const all = list("max_fails=0");
  expect(text).toContain(`upstream up_direct {\n${all}\tserver "unix:/hold.sock" backup max_fails=0;\n}`);
});

test.each([
  ["a lone instance", { servers: servers.slice(0, 1) }],
  ["a function, whose names mostly lead nowhere", { servers, function: anyone }],
])("%s is asked again at once", (_whose, wish) => {
  expect(planOf(wish)).not.toMatch(/least_conn|fail_timeout|max_fails=1/);
});

import { completeConfig, standbySpec, type PartialConfig } from "@bloomery/contract";
import { expect, test } from "vitest";
import type { InstanceWish } from "../../src/run/engines/engine.js";
import { fitsStandby, planComplete, planStandbySpec } from "../../src/run/plan-standby.js";

const makeConfig = (change: Partial<PartialConfig> = {}) =>
  completeConfig({ web: { start: "" }, function: {}, network: "none", ...change });

test("is an order the shim understands, up to the program and without anybody's folder", () => {
  const user = { uid: 1_900_080_000, gid: 1_900_080_000 };
  const spec = planStandbySpec("i-1", { bwrap: "/usr/bin/bwrap", user, etc: "/home/b/tools/etc-0" });
  expect(standbySpec.parse(spec)).toEqual(spec);
  expect(spec.command.at(-1)).toBe("--");
  expect(spec.command).toContain("--unshare-net");
  expect(spec.stage?.mounts).toEqual([{ name: "etc", source: "/home/b/tools/etc-0" }]);
  expect(spec.env).toEqual({});
});

test.each([
  ["a function without a network", {}, true],
  ["an app", { function: null }, false],
  ["one that calls others", { network: "outbound" as const }, false],
  ["one in the host's network", { network: "host" as const }, false],
  ["one with hosts of its own", { additionalHosts: { db: "10.0.0.1" } }, false],
])("%s", (_, change, expected) => {
  expect(fitsStandby(makeConfig(change))).toBe(expected);
});

test("what comes with the app is its code and its sizes", () => {
  const limits = { memoryBytes: 64 * 1024 ** 2, tmpBytes: 1024 ** 2 };
  const wish = { artifactDir: "/home/b/artifacts/abc", config: makeConfig({ limits }) } as InstanceWish;
  const group = { path: "/g", files: { "memory.max": "1" }, optional: true };
  expect(planComplete(wish, { cgroups: [group] })).toMatchObject({
    mounts: [{ source: "/home/b/artifacts/abc", target: "/app" }],
    tmpfs: { "/tmp": 1024 ** 2, "/run": 4 * 1024 ** 2 },
    command: ["/app/function"],
  });
});

import { completeConfig, standbySpec, type PartialConfig } from "@bloomery/contract";
import { expect, test } from "vitest";
import type { InstanceWish } from "../../src/run/engines/engine.js";
import { fitsStandby, planComplete, planStandbySpec } from "../../src/run/plan-standby.js";

const makeConfig = (change: Partial<PartialConfig> = {}) =>
  completeConfig({ web: { start: "" }, function: {}, network: "none", ...change });

const bySocket = { web: { start: "", upstream: { socketFamily: "unix" } } } as const;
const keeps = { source: "local", sourcePath: "data" } as const;

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
  ["an app on a port", { function: null }, false],
  ["an app on a socket", { function: null, ...bySocket }, true],
  ["a library", { function: null, prefork: {} }, true],
  ["one with a folder of its own", { function: null, ...bySocket, mounts: { data: keeps } }, false],
  ["one with a hook", { function: null, web: { ...bySocket.web, preStart: "true" } }, false],
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
  const facts = { cgroups: [group], etc: "/home/b/etc", isStandby: true };
  const app = { name: "app", source: "/home/b/artifacts/abc", target: "/app", writable: false };
  const inside = { mounts: [app], command: ["/app/function"] };
  const { name: _, ...mount } = app;
  const complete = {
    mounts: [mount],
    tmpfs: { "/tmp": 1024 ** 2, "/run": 4 * 1024 ** 2 },
    hostname: null,
    command: ["/app/function"],
  };
  expect(planComplete(wish, facts, inside)).toMatchObject(complete);
  expect(planComplete(wish, { ...facts, isStandby: false }, inside)).toBeNull();
  // Those of an app are told apart by their names.
  const other = { ...wish, appName: "shop", config: makeConfig({ limits, function: null }) };
  const hosts = { source: "/home/b/etc/hosts", target: "/etc/hosts", writable: false };
  expect(planComplete(other, facts, inside)).toMatchObject({
    ...complete,
    mounts: [mount, hosts],
    hostname: "shop",
  });
});

import { completeConfig, shimSpec, type PartialConfig } from "@bloomery/contract";
import { describe, expect, test } from "vitest";
import type { InstanceWish } from "../../src/run/engines/engine.js";
import type { InstanceFacts } from "../../src/run/instance-facts.js";
import { planInstanceSpec, planListenVariables } from "../../src/run/plan-instance.js";
import { needsStopStart, targetPorts } from "../../src/run/plan-tcp.js";

type Ports = NonNullable<PartialConfig["tcp"]>["ports"];

function makeWish(ports: Ports, change: Partial<PartialConfig> = {}): InstanceWish {
  return {
    ...{ id: "i-1", appName: "chat", appSlot: 2, environmentId: "env-1", releaseId: "rel-1" },
    ...{ role: "web", replica: 0, artifactDir: "/home/b/artifacts/abc", mounts: [], runtimeDocument: "{}" },
    config: completeConfig({
      web: { start: "./server", ready: { path: null, timeoutSeconds: 9 }, graceSeconds: 4 },
      tcp: { ports: ports ?? [] },
      ...change,
    }),
    env: { SECRET: "s3cret", PORT: "1" },
  };
}

function makeFacts(ports: readonly number[], change: Partial<InstanceFacts> = {}): InstanceFacts {
  return {
    ...{ dir: "/home/b/instances/i-1", etc: "/home/b/instances/i-1/etc", isStandby: false },
    ...{ bwrap: "/usr/bin/bwrap", preforkPath: "/opt/bloom/bin/bloom-prefork", cgroups: [], mounts: [] },
    user: { uid: 1_900_000_004, gid: 1_900_000_004 },
    netns: "/run/netns/bl-1",
    listen: { kind: "ports", ports, relays: [] },
    ...change,
  };
}

const specOf = (ports: Ports, change: Partial<PartialConfig> = {}) => {
  const wish = makeWish(ports, change);
  const { tcp } = wish.config;
  return planInstanceSpec(wish, makeFacts(tcp === null ? [] : targetPorts(tcp)));
};

describe("the order for a tcp app", () => {
  test("is one the shim understands, waits for every port once, and forwards nothing", () => {
    const spec = specOf([{ port: 1, targetPort: 7878 }, { port: 7879 }, { port: 2, targetPort: 7878 }]);
    expect(shimSpec.parse(spec)).toEqual(spec);
    expect(spec).toMatchObject({
      ready: { kind: "listens", ports: [7878, 7879], timeout_ms: 9000 },
      stop: { signal: "TERM", grace_ms: 4000 },
      env: { SECRET: "s3cret", PORT: "7878" },
      netns: "/run/netns/bl-1",
      ...{ forward: null, listen: null, records: null },
    });
    expect(spec.goodbye).toBeUndefined();
    expect(spec.command.slice(-3)).toEqual(["/bin/sh", "-c", "./server"]);
    expect(spec.command.join(" ")).toContain("--chdir /app");
  });

  test("leaves it to the app where nobody has named a port", () => {
    const spec = specOf([]);
    expect(spec).toMatchObject({ ready: { kind: "listens", ports: [] }, env: { PORT: "1" } });
    expect(planListenVariables({ prefork: null }, { kind: "ports", ports: [], relays: [] })).toEqual({});
  });

  test("ends goodbyes as lines, one for each port of the app", () => {
    const goodbyes = [
      { port: 1, targetPort: 7878, goodbye: "back soon" },
      { port: 2, targetPort: 7878, goodbye: "never sent" },
      { port: 7879, goodbye: "line\n" },
      { port: 7880 },
    ];
    expect(specOf(goodbyes).goodbye).toEqual([
      { port: 7878, text: "back soon\n" },
      { port: 7879, text: "line\n" },
    ]);
  });

  test("says which ports drain for less long than the instance does", () => {
    const ports = [
      { port: 1, targetPort: 7878, drainSeconds: 5 },
      // To the app its clients are those of the first.
      { port: 2, targetPort: 7878, drainSeconds: 20 },
      { port: 7879, drainSeconds: 600 },
      { port: 7880, drainSeconds: 0 },
      { port: 7881, drainSeconds: 600 },
    ];
    expect(specOf(ports).drains).toEqual([
      { port: 7878, limit_ms: 20_000 },
      { port: 7880, limit_ms: 0 },
    ]);
    expect(specOf(ports.slice(2, 3)).drains).toBeUndefined();
    expect(specOf([]).drains).toBeUndefined();
  });

  test("says where clients are taken in who are announced to the app", () => {
    const wish = makeWish([{ port: 7878, proxyProtocol: "v2" }]);
    const relays = [{ port: 7878, at: 65_535 }];
    const spec = planInstanceSpec(wish, makeFacts([], { listen: { kind: "ports", ports: [7878], relays } }));
    expect(shimSpec.parse(spec)).toEqual(spec);
    expect(spec.relays).toEqual(relays);
    expect(specOf([{ port: 7878 }]).relays).toBeUndefined();
  });

  test("has the hooks of its start", () => {
    const spec = specOf([{ port: 7878 }], { web: { start: "./server", preStart: "./migrate" } });
    expect(spec.pre_start?.at(-1)).toBe("./migrate");
    expect(spec.post_start).toBeNull();
  });

  test.each([
    ["a tcp app on a port we chose", makeWish([]), { kind: "tcp", port: 1, forward: null }],
    ["a web app on ports of its own", makeWish([], { tcp: null }), { kind: "ports", ports: [1], relays: [] }],
  ] as const)("%s is a mistake of ours", (_, wish, listen) => {
    expect(() => planInstanceSpec(wish, makeFacts([], { listen }))).toThrow(/cannot listen on a/);
  });
});

test.each([
  ["a tcp app in its namespace", { tcp: { ports: [] } }, true, false],
  ["a tcp app without one", { tcp: { ports: [] } }, false, true],
  ["a tcp app on the host's network", { tcp: { ports: [] }, network: "host" }, true, true],
  ["a web app without a namespace", {}, false, false],
] as const)("%s: can two versions run at once?", (_, part, hasNetwork, expected) => {
  expect(needsStopStart(completeConfig({ web: { start: "./server" }, ...part }), hasNetwork)).toBe(expected);
});

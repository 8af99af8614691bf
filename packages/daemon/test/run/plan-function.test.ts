import { completeConfig, shimSpec, type PartialConfig } from "@bloomery/contract";
import { describe, expect, test } from "vitest";
import type { InstanceWish } from "../../src/run/engines/engine.js";
import { allocatePlace } from "../../src/run/engines/allocate-place.js";
import type { InstanceFacts } from "../../src/run/instance-facts.js";
import { planInstanceSpec } from "../../src/run/plan-instance.js";

function makeWish(config: Partial<PartialConfig> = {}): InstanceWish {
  return {
    id: "i-1",
    appName: "hello",
    appSlot: 2,
    environmentId: "env-1",
    releaseId: "rel-1",
    role: "function",
    replica: 0,
    config: completeConfig({
      web: { start: "", graceSeconds: 15 },
      function: {},
      network: "none",
      ...config,
    }),
    artifactDir: "/home/b/artifacts/abc",
    mounts: [],
    env: {
      ...{ BLOOM_ORG: "org", BLOOM_APP: "hello", BLOOM_VERSION: "3" },
      ...{ GREETING: "hi", IGNITE_FUNCTION_ID: "other/app", IGNITE_RECORD_FD: "1" },
    },
    runtimeDocument: "{}",
  };
}

const socket = "/home/b/instances/i-1/app.sock";
const facts: InstanceFacts = {
  dir: "/home/b/instances/i-1",
  etc: "/home/b/instances/i-1/etc",
  isStandby: false,
  bwrap: "/usr/bin/bwrap",
  preforkPath: "/opt/bloom/bin/bloom-prefork",
  user: { uid: 1_900_000_004, gid: 1_900_000_004 },
  netns: null,
  listen: { kind: "given", path: socket },
  cgroups: [],
  mounts: [],
};

describe("a function's instance", () => {
  test("is an order the shim understands, with the three descriptors", () => {
    const spec = planInstanceSpec(makeWish(), facts);
    expect(shimSpec.parse(spec)).toEqual(spec);
    expect(spec).toMatchObject({
      ready: { kind: "message" },
      listen: socket,
      forward: null,
      records: { files: 4 },
      env: { IGNITE_READY_FD: "3", IGNITE_RECORD_FD: "4", IGNITE_LISTEN_FD: "5" },
    });
  });

  test("runs the program itself, without a network of any kind", () => {
    const { command } = planInstanceSpec(makeWish(), facts);
    expect(command.slice(command.indexOf("--"))).toEqual(["--", "/app/function"]);
    expect(command).toContain("--unshare-net");
    expect(planInstanceSpec(makeWish({ network: "outbound" }), facts).command).not.toContain("--unshare-net");
  });

  test("is told what it is by the platform and by nobody else", () => {
    const own = { timeoutSeconds: 3, concurrency: 8, tempBytes: 1000 };
    expect(planInstanceSpec(makeWish({ function: own }), facts).env).toEqual({
      ...{ BLOOM_ORG: "org", BLOOM_APP: "hello", BLOOM_VERSION: "3", GREETING: "hi" },
      IGNITE_FUNCTION_ID: "org/hello",
      IGNITE_ORGANIZATION_ID: "org",
      IGNITE_VERSION: "3",
      IGNITE_TIMEOUT_MS: "3000",
      IGNITE_CONCURRENCY: "8",
      IGNITE_QUEUE_LIMIT: "1000",
      IGNITE_MAX_BODY_BYTES: String(6 * 1024 ** 2),
      IGNITE_TEMP_DIR: "/tmp",
      IGNITE_TEMP_BYTES: "1000",
      IGNITE_DRAIN_MS: "14000",
      IGNITE_READY_FD: "3",
      IGNITE_RECORD_FD: "4",
      IGNITE_LISTEN_FD: "5",
    });
  });

  test.each([
    ["a function on a port", makeWish(), { kind: "tcp", port: 1, forward: null }],
    ["a web app on a socket of ours", makeWish({ function: null }), { kind: "given", path: socket }],
  ] as const)("%s is a mistake of ours", (_, wish, listen) => {
    expect(() => planInstanceSpec(wish, { ...facts, listen })).toThrow(/cannot listen on a/);
  });
});

describe("the place of a function", () => {
  const asked: unknown[] = [];
  const network = {
    allocateInstance: (wish: unknown) => {
      asked.push(wish);
      return Promise.resolve({ netns: "/run/netns/bl-1", address: "198.18.0.2" });
    },
    expect: () => undefined,
    adopt: () => Promise.resolve(),
    openPorts: () => Promise.resolve(),
    releaseInstance: () => Promise.resolve(),
  };

  test("is a socket alone, and a namespace only for one that calls others", async () => {
    const place = { address: { kind: "unix", path: socket }, listen: { kind: "given", path: socket } };
    expect(await allocatePlace({ network, isWeakAccepted: false }, makeWish(), socket)).toEqual({
      ...place,
      netns: null,
    });
    expect(asked).toEqual([]);
    expect(
      await allocatePlace({ network, isWeakAccepted: false }, makeWish({ network: "outbound" }), socket),
    ).toMatchObject({
      ...place,
      netns: { path: "/run/netns/bl-1" },
    });
    expect(
      await allocatePlace(
        { network: null, isWeakAccepted: false },
        makeWish({ network: "outbound" }),
        socket,
      ),
    ).toEqual({
      ...place,
      netns: null,
    });
  });
});

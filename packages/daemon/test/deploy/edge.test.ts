import { completeConfig } from "@bloomery/contract";
import { beforeEach, expect, test } from "vitest";
import { createEdge, type RoutedEnvironment, type ServedEnvironment } from "../../src/deploy/edge.js";
import type { Instance, InstanceAddress } from "../../src/run/engines/engine.js";

let names: Map<string, string>;
let routed: readonly RoutedEnvironment[];
let family: "tcp" | "unix";
let network: "outbound" | "host";
let shape: "web" | "tcp";
let others: ServedEnvironment[];
let asked: readonly unknown[];

const place = { id: "env-1", slot: 2 };
const tcp: InstanceAddress = { kind: "tcp", address: "10.0.0.7", port: 8888 };
const unix: InstanceAddress = { kind: "unix", path: "/instances/7/app.sock" };

beforeEach(() => {
  names = new Map();
  routed = [];
  family = "tcp";
  network = "outbound";
  shape = "web";
  others = [];
  asked = [];
});

function create(hasNetwork = true) {
  const set = (name: string, value: string | null): void => {
    if (value === null) names.delete(name);
    else names.set(name, value);
  };
  const served = (): ServedEnvironment => ({
    ...place,
    ...{ org: "local", app: "shop", environment: "main", desired: "running", artifactDir: "/a", replicas: 1 },
    config: completeConfig({
      network,
      web: { start: "./shop", upstream: { socketFamily: family } },
      tcp: shape === "tcp" ? { ports: [{ port: 7000 }] } : null,
    }),
  });
  return createEdge({
    switchboard: {
      stableAddress: (index) => `stable-${index}`,
      setAddress: async (index, address) => set(`stable-${index}`, address),
      stablePath: (name) => `/upstreams/${name}`,
      setPath: async (name, path) => set(name, path),
    },
    hasNetwork,
    listServed: async () => [served(), ...others],
    applyRoutes: async (all) => void (routed = all),
    assertRoutable: async (...words) => void (asked = words),
  });
}

function instance(replica: number, address: InstanceAddress): Instance {
  return { replica, address } as Instance;
}

test("leads stable addresses to instances, and missing replicas nowhere", async () => {
  const edge = create();
  await edge.point(place, [instance(0, tcp), instance(1, { ...tcp, address: "10.0.0.8" })]);
  expect([...names]).toEqual([
    ["stable-32", "10.0.0.7"],
    ["stable-33", "10.0.0.8"],
  ]);
  await edge.point(place, [instance(0, { ...tcp, address: "10.0.0.9" })]);
  expect([...names]).toEqual([["stable-32", "10.0.0.9"]]);
  await edge.point(place, []);
  expect(names.size).toBe(0);
});

test("an app on a socket has a stable path, with and without a network", async () => {
  for (const hasNetwork of [true, false]) {
    family = "unix";
    const edge = create(hasNetwork);
    await edge.point(place, [instance(0, unix)]);
    await edge.refresh();
    expect([...names]).toEqual([["web-2-0", unix.path]]);
    expect(routed[0]?.upstreams).toEqual([{ kind: "unix", path: "/upstreams/web-2-0" }]);
  }
});

test("a version that listens otherwise keeps the old name until nginx has the new one", async () => {
  const edge = create();
  await edge.point(place, [instance(0, tcp)]);
  await edge.refresh();
  family = "unix";
  await edge.point(place, [instance(0, unix)]);
  expect([...names.keys()]).toEqual(["stable-32", "web-2-0"]);
  await edge.refresh();
  expect(routed[0]?.upstreams).toEqual([{ kind: "unix", path: "/upstreams/web-2-0" }]);
  expect([...names.keys()]).toEqual(["web-2-0"]);
});

test("an app in the machine's network has no address, so nginx gets the path that is switched for it", async () => {
  network = "host";
  const edge = create();
  await edge.point(place, [instance(0, unix)]);
  await edge.refresh();
  expect(routed[0]?.upstreams).toEqual([{ kind: "unix", path: "/upstreams/web-2-0" }]);
  expect([...names]).toEqual([["web-2-0", "/instances/7/app.sock"]]);
});

test("a tcp app has addresses whatever its manifest says of sockets, and sockets where there are none", async () => {
  shape = "tcp";
  family = "unix";
  await create().refresh();
  expect(routed[0]?.upstreams).toEqual([{ kind: "tcp", address: "stable-32", port: expect.any(Number) }]);
  await create(false).refresh();
  expect(routed[0]?.upstreams).toEqual([{ kind: "unix", path: "/upstreams/web-2-0" }]);
});

test("whether something may be served is asked beside all others", async () => {
  const edge = create();
  await edge.refresh();
  const [own] = routed as readonly [RoutedEnvironment];
  others = [{ ...own, id: "env-2", slot: 3 }];
  await edge.assertRoutable(own, false);
  expect(asked).toEqual([
    own,
    [expect.objectContaining({ id: "env-2", upstreams: [expect.anything()] })],
    false,
  ]);
});

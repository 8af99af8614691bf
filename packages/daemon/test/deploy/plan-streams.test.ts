import { completeConfig, type TcpPortConfig } from "@bloomery/contract";
import { expect, test } from "vitest";
import type { RoutedEnvironment } from "../../src/deploy/edge.js";
import { hasDoors } from "../../src/deploy/tcp/open-doors.js";
import { assertReached, planStreams } from "../../src/deploy/tcp/plan-streams.js";
import type { InstanceAddress } from "../../src/run/engines/engine.js";

type Port = Partial<TcpPortConfig> & Pick<TcpPortConfig, "port">;

const addresses: readonly InstanceAddress[] = [1, 2].map((last) => ({
  kind: "tcp",
  address: `198.18.128.${last}`,
  port: 8888,
}));
const socket: InstanceAddress = { kind: "unix", path: "/upstreams/web-2-0.sock" };

const route = (ports: readonly Port[], upstreams = addresses): RoutedEnvironment => ({
  ...{ id: "env-1", slot: 2, org: "local", app: "chat", environment: "main", desired: "running" },
  ...{ artifactDir: "/artifact", replicas: upstreams.length, upstreams },
  config: completeConfig({ web: { start: "./chat" }, tcp: { ports } }),
});
const plan = (...words: Parameters<typeof route>) =>
  planStreams(route(...words), {
    doorPath: (one, port) =>
      hasDoors(one, one.upstreams[0]?.kind === "tcp") ? `/doors/${one.slot}-${port}.sock` : null,
    relayPath: (id, port) => `/relays/${id}-${port}.sock`,
  });

test("each port goes to its own port of every replica, and to its own door while there is none", () => {
  expect(
    plan([{ port: 7000, targetPort: 7878 }, { port: 7001 }]).map(({ port, servers, backup }) => [
      port,
      servers,
      backup,
    ]),
  ).toEqual([
    [7000, addresses.map((one) => ({ ...one, port: 7878 })), "/doors/2-7000.sock"],
    [7001, addresses.map((one) => ({ ...one, port: 7001 })), "/doors/2-7001.sock"],
  ]);
});

test("what a manifest says of a port reaches nginx, with files below the release", () => {
  const own: Port = {
    ...{ port: 7000, proxyProtocol: "v1", allow: ["10.0.0.0/8"], idleSeconds: 5 },
    ...{ maxConnections: 9, maxConnectionsPerAddress: 3 },
  };
  expect(plan([{ ...own, tls: { certificate: "tls/c.pem", key: "tls/k.pem" } }])).toEqual([
    {
      ...own,
      servers: addresses.map((one) => ({ ...one, port: 7000 })),
      backup: "/doors/2-7000.sock",
      tls: { certificate: "/artifact/tls/c.pem", key: "/artifact/tls/k.pem" },
    },
  ]);
});

test("who is to be told by v2 is reached like any other, so that a switch from v1 changes nothing here", () => {
  const [first, second] = (["v1", "v2"] as const).map((proxyProtocol) =>
    plan([{ port: 7000, proxyProtocol }]),
  );
  expect(second).toEqual(first?.map((one) => ({ ...one, proxyProtocol: "v2" })));
});

test("ports that are not known yet, and an app without replicas, have nothing to open", () => {
  expect(plan([])).toEqual([]);
  expect(plan([{ port: 7000 }], [])).toEqual([]);
});

test("on the machine's own network clients find the app itself, and only other ports are led to it", () => {
  expect(plan([{ port: 7000 }], [socket])).toEqual([]);
  const led: Port = { port: 7000, targetPort: 7001 };
  const servers = [{ kind: "tcp", address: "127.0.0.1", port: 7001 }];
  expect(plan([led], [socket])).toMatchObject([{ port: 7000, servers, backup: "/doors/2-7000.sock" }]);
  // One that is the app's own cannot be waited at, so none of it may sleep.
  expect(plan([led, { port: 7002 }], [socket])).toMatchObject([{ port: 7000, servers, backup: null }]);
  expect(plan([{ ...led, proxyProtocol: "v2" }], [socket])).toMatchObject([
    { port: 7000, servers: [{ kind: "unix", path: "/relays/env-1-7001.sock" }], backup: null },
  ]);
  for (const wish of [{ allow: ["10.0.0.0/8"] }, { proxyProtocol: "v1" }, { maxConnections: 1 }] as const) {
    expect(() => assertReached(route([{ port: 7000, ...wish }], [socket]))).toThrowError(
      expect.objectContaining({ code: "ERR_MANIFEST_INVALID", hint: expect.stringContaining("root") }),
    );
    expect(() => assertReached(route([{ port: 7000, targetPort: 7001, ...wish }], [socket]))).not.toThrow();
    expect(() => assertReached(route([{ port: 7000, ...wish }]))).not.toThrow();
  }
});

test("on the machine's own network replicas would be in each other's way", () => {
  expect(() => assertReached({ ...route([{ port: 7000 }], [socket]), replicas: 2 })).toThrowError(
    expect.objectContaining({ code: "ERR_MANIFEST_INVALID", hint: expect.stringContaining("replicas = 1") }),
  );
  expect(() => assertReached({ ...route([{ port: 7000 }]), replicas: 2 })).not.toThrow();
});

test("on the machine's own network only an app that is led by all its ports may sleep", () => {
  const sleepy = (ports: readonly Port[], upstreams: typeof addresses = [socket]): RoutedEnvironment => {
    const one = route(ports, upstreams);
    return { ...one, config: { ...one.config, sleep: { minReplicas: 0, idleSeconds: 60 } } };
  };
  const led: Port = { port: 7000, targetPort: 7001 };
  const refused = { code: "ERR_MANIFEST_INVALID", hint: expect.stringContaining("target_port") };
  for (const ports of [
    [],
    [{ port: 7000 }],
    [led, { port: 7002 }],
    [{ ...led, proxyProtocol: "v2" as const }],
  ])
    expect(() => assertReached(sleepy(ports))).toThrowError(expect.objectContaining(refused));
  expect(() => assertReached(sleepy([led]))).not.toThrow();
  expect(() => assertReached(sleepy([{ port: 7000 }], [...addresses]))).not.toThrow();
});

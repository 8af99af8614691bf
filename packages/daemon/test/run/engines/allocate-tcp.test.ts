import { once } from "node:events";
import { createServer } from "node:net";
import { completeConfig, type PartialConfig } from "@bloomery/contract";
import { afterEach, describe, expect, test } from "vitest";
import { allocateTcpPlace } from "../../../src/run/engines/allocate-tcp.js";
import type { InstanceNetwork, InstancePlace } from "../../../src/run/engines/allocate-place.js";
import type { InstanceWish } from "../../../src/run/engines/engine.js";
import { findFreePort } from "../../../src/run/engines/free-port.js";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function allocate(
  network: InstanceNetwork | null,
  ports: readonly number[],
  change: Partial<PartialConfig> = {},
): Promise<InstancePlace> {
  const config = completeConfig({
    web: { start: "./server" },
    tcp: { ports: ports.map((port) => ({ port })) },
    ...change,
  });
  const wish = { id: "i-1", config } as InstanceWish;
  const describeHolder = async (port: number): Promise<string> => `squatter on ${port}`;
  const options = { network, isWeakAccepted: false, describeHolder };
  return allocateTcpPlace(options, wish, config.tcp ?? { ports: [] });
}

describe("with a network", () => {
  const asked: unknown[] = [];
  const network: InstanceNetwork = {
    allocateInstance: (wish) => {
      asked.push(wish);
      return Promise.resolve({ netns: "/run/netns/bl-1", address: "198.18.0.2" });
    },
    expect: () => undefined,
    adopt: () => Promise.resolve(),
    openPorts: () => Promise.resolve(),
    releaseInstance: () => Promise.resolve(),
  };

  test("every port of the app is its own, and none is known before it is found out", async () => {
    expect(await allocate(network, [7878, 7879], { network: "none" })).toEqual({
      address: { kind: "tcp", address: "198.18.0.2", port: 7878 },
      listen: { kind: "ports", ports: [7878, 7879] },
      netns: { path: "/run/netns/bl-1", address: "198.18.0.2", ports: [7878, 7879], only: null },
    });
    expect(await allocate(network, [])).toMatchObject({
      address: { kind: "tcp", port: 0 },
      netns: { ports: [] },
    });
    expect(asked).toEqual([
      { id: "i-1", ports: [7878, 7879], outbound: false, only: null },
      { id: "i-1", ports: [], outbound: true, only: null },
    ]);
  });
});

describe("on the machine's own ports", () => {
  test("a free one is the app's", async () => {
    const port = await findFreePort();
    const place = { address: { kind: "tcp", address: "127.0.0.1", port }, netns: null };
    expect(await allocate(null, [port])).toMatchObject(place);
  });

  test.each(["127.0.0.1", "0.0.0.0", "::"])(
    "one that is taken on %s is refused, with its holder",
    async (host) => {
      const port = await findFreePort();
      const server = createServer().listen(port, host);
      await once(server, "listening");
      cleanups.push(async () => server.close());
      await expect(allocate(null, [await findFreePort(), port])).rejects.toMatchObject({
        code: "ERR_PORT_TAKEN",
        message: `the app cannot listen on port ${port}, which is held by squatter on ${port}`,
      });
    },
  );
});

import { createServer } from "node:net";
import { BloomError, type TcpConfig } from "@bloomery/contract";
import { assertIsolation } from "../plan-network.js";
import { targetPorts } from "../plan-tcp.js";
import { allocateNamespace, type InstancePlace, type PlaceOptions } from "./allocate-place.js";
import type { InstanceWish } from "./engine.js";

/** `nginx (pid 4711)`: who listens on this TCP port; undefined when that cannot be seen. */
export type DescribeHolder = (port: number) => Promise<string | undefined>;

/**
 * Gives an instance of a tcp app its network. Its ports are in its address's namespace; without one they are the
 * machine's own, and ERR_PORT_TAKEN is thrown when another process has one of them. A port of 0 in the address: none
 * is known yet. Throws ERR_ISOLATION_UNAVAILABLE as well.
 */
export async function allocateTcpPlace(
  { network, isWeakAccepted, describeHolder }: PlaceOptions & { readonly describeHolder: DescribeHolder },
  wish: InstanceWish,
  tcp: TcpConfig,
): Promise<InstancePlace> {
  assertIsolation(wish.config, { hasNamespaces: network !== null, isWeakAccepted });
  const ports = targetPorts(tcp);
  const port = ports[0] ?? 0;
  const listen = { kind: "ports", ports } as const;
  const netns = await allocateNamespace(network, wish);
  if (netns === null) {
    for (const wanted of ports) await assertPortFree(wanted, describeHolder);
    return { address: { kind: "tcp", address: "127.0.0.1", port }, listen, netns: null };
  }
  return { address: { kind: "tcp", address: netns.address, port }, listen, netns };
}

async function assertPortFree(port: number, describeHolder: DescribeHolder): Promise<void> {
  const code = await tryBind(port);
  if (code === undefined) return;
  if (code !== "EADDRINUSE") {
    throw new BloomError("ERR_PORT_TAKEN", `the app cannot listen on port ${port} (${code})`, {
      hint: code === "EACCES" ? "Ports below 1024 need root." : "Let the app listen on another port.",
      details: { port },
    });
  }
  const holder = (await describeHolder(port)) ?? "another user's process";
  throw new BloomError(
    "ERR_PORT_TAKEN",
    `the app cannot listen on port ${port}, which is held by ${holder}`,
    {
      hint: "Stop that, or let the app listen on another port and say so as its target_port.",
      details: { port, holder },
    },
  );
}

/** Binds for a moment; the error code when that fails. On every address, so that nobody who listens is missed. */
function tryBind(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "ERROR"));
    server.listen({ host: "0.0.0.0", port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

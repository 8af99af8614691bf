import type { InstanceListen } from "../instance-facts.js";
import type { InstanceAddress, InstanceWish } from "./engine.js";
import { findFreePort } from "./free-port.js";

/** What the host network gives instances; made by `run/network` when the daemon is root. */
export interface InstanceNetwork {
  allocateInstance(wish: {
    readonly id: string;
    readonly ports: readonly number[];
    readonly outbound: boolean;
  }): Promise<{ readonly netns: string; readonly address: string }>;
  /** Takes over the namespace of an instance that an earlier daemon started. */
  adopt(
    live: readonly {
      readonly id: string;
      readonly ports: readonly number[];
      readonly outbound: boolean;
      readonly address: string;
    }[],
  ): Promise<unknown>;
  /** Lets further ports of an instance be reached. */
  openPorts(address: string, ports: readonly number[]): Promise<void>;
  /** Takes the namespace of this address away; harmless when it is gone. */
  releaseInstance(address: string): Promise<void>;
}

/** Where an instance runs and how it is reached. */
export interface InstancePlace {
  readonly address: InstanceAddress;
  readonly listen: InstanceListen;
  readonly netns: {
    readonly path: string;
    readonly address: string;
    readonly ports: readonly number[];
  } | null;
}

/** Gives an instance its network; `socket` is where the shim's forwarder listens when one is needed. */
export async function allocatePlace(
  network: InstanceNetwork | null,
  wish: InstanceWish,
  socket: string,
): Promise<InstancePlace> {
  const { web } = wish.config;
  if (wish.config.function !== null || wish.config.prefork !== null)
    return allocateGiven(network, wish, socket);
  const isUnix = web.upstream.socketFamily === "unix";
  const byForwarder: InstanceAddress = { kind: "unix", path: socket };
  if (network !== null && wish.config.network !== "host") {
    const outbound = wish.config.network === "outbound";
    // Through its socket it is reached without any port.
    const ports = isUnix ? [] : [web.port];
    const given = await network.allocateInstance({ id: wish.id, ports, outbound });
    const netns = { path: given.netns, address: given.address, ports };
    if (isUnix) return { address: byForwarder, listen: { kind: "unix", forward: socket }, netns };
    const listen: InstanceListen = { kind: "tcp", port: web.port, forward: null };
    return { address: { kind: "tcp", address: given.address, port: web.port }, listen, netns };
  }
  if (isUnix) return { address: byForwarder, listen: { kind: "unix", forward: socket }, netns: null };
  // Without a namespace two versions cannot share a port: each gets a free one, and the shim's forwarder
  // gives nginx a name for it that can be switched by a rename.
  const listen: InstanceListen = { kind: "tcp", port: await findFreePort(), forward: socket };
  return { address: byForwarder, listen, netns: null };
}

/** Who is given a socket needs no port, and no network either unless it calls others. */
async function allocateGiven(
  network: InstanceNetwork | null,
  wish: InstanceWish,
  socket: string,
): Promise<InstancePlace> {
  const address: InstanceAddress = { kind: "unix", path: socket };
  const listen: InstanceListen = { kind: "given", path: socket };
  if (network === null || wish.config.network !== "outbound") return { address, listen, netns: null };
  const given = await network.allocateInstance({ id: wish.id, ports: [], outbound: true });
  return { address, listen, netns: { path: given.netns, address: given.address, ports: [] } };
}

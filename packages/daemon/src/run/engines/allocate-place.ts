import type { InstanceListen } from "../instance-facts.js";
import type { InstanceNetworkWish } from "../network/network-place.js";
import type { OutboundList } from "../network/plan-outbound.js";
import { assertIsolation } from "../plan-network.js";
import { planPlaceKind, type PlaceKind } from "../plan-place-kind.js";
import type { RelayPort } from "../plan-relays.js";
import type { InstanceAddress, InstanceWish } from "./engine.js";
import { findFreePort } from "./free-port.js";

/** What the host network gives instances; made by `run/network` when the daemon is root. */
export interface InstanceNetwork {
  allocateInstance(wish: InstanceNetworkWish): Promise<{ readonly netns: string; readonly address: string }>;
  /** Tells what instances will be started when somebody asks: places are kept ready for some of them. */
  expect(kinds: () => readonly PlaceKind[]): void;
  /** Takes over the namespace of an instance that an earlier daemon started. */
  adopt(live: readonly (InstanceNetworkWish & { readonly address: string })[]): Promise<unknown>;
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
    readonly relays: readonly RelayPort[];
    readonly only: OutboundList | null;
  } | null;
}

export interface PlaceOptions {
  /** Null: instances share the host's network. */
  readonly network: InstanceNetwork | null;
  /** Whether an app may run with less isolation than its manifest says. */
  readonly isWeakAccepted: boolean;
}

/**
 * Gives an instance its network; `socket` is where the shim's forwarder listens when one is needed. Throws
 * ERR_ISOLATION_UNAVAILABLE.
 */
export async function allocatePlace(
  { network, isWeakAccepted }: PlaceOptions,
  wish: InstanceWish,
  socket: string,
): Promise<InstancePlace> {
  const { web } = wish.config;
  assertIsolation(wish.config, { hasNamespaces: network !== null, isWeakAccepted });
  const netns = await allocateNamespace(network, wish);
  const byForwarder: InstanceAddress = { kind: "unix", path: socket };
  if (wish.config.function !== null || wish.config.prefork !== null)
    return { address: byForwarder, listen: { kind: "given", path: socket }, netns };
  if (web.upstream.socketFamily === "unix")
    return { address: byForwarder, listen: { kind: "unix", forward: socket }, netns };
  if (netns !== null) {
    const listen: InstanceListen = { kind: "tcp", port: web.port, forward: null };
    return { address: { kind: "tcp", address: netns.address, port: web.port }, listen, netns };
  }
  // Without a namespace two versions cannot share a port: each gets a free one, and the shim's forwarder
  // gives nginx a name for it that can be switched by a rename.
  const listen: InstanceListen = { kind: "tcp", port: await findFreePort(), forward: socket };
  return { address: byForwarder, listen, netns: null };
}

/** A namespace in which the app's ports can be reached, some through a relay; null where it has none of its own. */
export async function allocateNamespace(
  network: InstanceNetwork | null,
  { id, config }: InstanceWish,
): Promise<InstancePlace["netns"]> {
  const kind = planPlaceKind(config, network !== null);
  if (network === null || kind === null) return null;
  const given = await network.allocateInstance({ id, ...kind });
  const { ports, relays, only } = kind;
  return { path: given.netns, address: given.address, ports, relays, only };
}

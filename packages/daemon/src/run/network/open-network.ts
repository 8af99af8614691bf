import { createAllowances } from "./allowances.js";
import { claimBlock, releaseBlock, type ClaimOptions } from "./claim-block.js";
import { findInhabited } from "./find-inhabited.js";
import { forgetInstance } from "./forget-connections.js";
import { checkTable, readTable } from "./kernel-table.js";
import { openNamespaces, listPlaces } from "./namespaces.js";
import { openOutbound, type OutboundOptions } from "./open-outbound.js";
import { findPlace, planStableAddress, type InstancePlace } from "./plan-block.js";
import { planBriefTracking, planRelayed, planRemoval, planRoutes, planRuleset } from "./plan-ruleset.js";
import { prepareKernel } from "./prepare-kernel.js";
import type { InstanceNetworkWish, NetworkPlace } from "./network-place.js";
import { openReadyPlaces } from "./ready-places.js";
import type { PlaceKind } from "../plan-place-kind.js";
import { applyIp, applyNft, applyNftInside, tryTool } from "./run-tool.js";

export interface NetworkOptions extends ClaimOptions, OutboundOptions {
  /** So many namespaces are kept ready. */
  readonly spare?: number;
}

/** The host's side of all namespaces of one daemon. Needs root. */
export interface HostNetwork {
  /** The claimed block; remember it and pass it as `preferred` next time. */
  readonly cidr: string;
  /** The stable address with this number, from 0. Throws ERR_LIMIT_REACHED. */
  stableAddress(index: number): string;
  /** So many there are. */
  readonly stableCapacity: number;
  allocateInstance(wish: InstanceNetworkWish): Promise<NetworkPlace>;
  /** Tells who will be started when somebody asks: for the first few kinds a namespace is kept ready from now on. */
  expect(kinds: () => readonly PlaceKind[]): void;
  /** A namespace with connections out and none in. */
  allocateBuild(): Promise<NetworkPlace>;
  releaseInstance(address: string): Promise<void>;
  /**
   * Lets further ports of an instance be reached. Those that are open already may be named again. Throws
   * ERR_INSTANCE_LOST when nobody has the address.
   */
  openPorts(address: string, ports: readonly number[]): Promise<void>;
  /** Takes over instances that an earlier daemon started; those whose namespace is gone are left out. */
  adopt(
    live: readonly (InstanceNetworkWish & { readonly address: string })[],
  ): Promise<readonly NetworkPlace[]>;
  /**
   * Removes what an earlier daemon left, nobody adopted and no process lives in; returns the addresses.
   * A namespace with a process is left to whoever ends that process.
   */
  sweep(): Promise<readonly string[]>;
  /** From now on new connections to `stable` reach `address`; null: they are refused at once. */
  setCurrent(stable: string, address: string | null): Promise<void>;
  /** Stable address → instance address, read from the kernel. */
  currentMap(): Promise<ReadonlyMap<string, string>>;
  /** Puts everything back when somebody flushed the machine's rules, true when that was needed; follows the resolvers. */
  repair(): Promise<boolean>;
  /** Lets go; instances and their traffic go on. May be called twice. */
  close(): Promise<void>;
  /** Removes every namespace, rule and route of this block. */
  destroy(): Promise<void>;
}

/** Claims a block and makes this machine ready for namespaces. Throws ERR_NETWORK_SETUP. */
export async function openNetwork(options: NetworkOptions): Promise<HostNetwork> {
  const block = await claimBlock(options);
  await prepareKernel();
  await applyIp(planRoutes(block, "replace"));
  await applyNft(planRuleset(block));
  await tryTool("nft", ["-f", "-"], planBriefTracking(block));

  const content = await readTable(block);
  const namespaces = await openNamespaces(block, { spare: options.spare ?? 1 });

  // One change at a time: each transaction is planned from what the one before left.
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = tail.then(work);
    tail = mine.catch(() => undefined);
    return mine;
  };

  const table = createAllowances({ block, inTurn }, content);
  const places = await openOutbound({ ...options, block, inTurn });

  const release = async (address: string): Promise<void> => {
    if (findPlace(block, address) === undefined) return;
    await table.dismiss(address);
    await places.limit(address, null);
    await namespaces.remove(address);
    await forgetInstance(address);
    ready.look();
  };
  const placeOf = (place: InstancePlace): NetworkPlace => {
    let released: Promise<void> | undefined;
    return Object.freeze({
      netns: `/run/netns/${place.netns}`,
      address: place.address,
      // Once: the address may belong to somebody else by the second call.
      release: () => (released ??= release(place.address)),
    });
  };
  const allocate = async (wish: InstanceNetworkWish | null, out: boolean): Promise<NetworkPlace> => {
    const place = await namespaces.take();
    try {
      // The list first: nothing is allowed for a moment that it forbids.
      await places.limit(place.address, wish?.only ?? null);
      if (wish !== null && wish.relays.length > 0)
        await applyNftInside(place.netns, planRelayed(place, wish.relays));
      await table.admit(place.address, wish, out);
      return placeOf(place);
    } catch (error) {
      await places.limit(place.address, null).catch(() => undefined);
      await namespaces.remove(place.address);
      throw error;
    } finally {
      namespaces.refill();
    }
  };
  const ready = openReadyPlaces((kind) => allocate({ ...kind, id: "" }, kind.outbound));
  const allocateInstance = async (wish: InstanceNetworkWish): Promise<NetworkPlace> => {
    const place = await ready.take(wish)?.catch(() => undefined);
    if (place === undefined) return allocate(wish, wish.outbound);
    table.name(place.address, wish.id);
    return place;
  };
  const restore = async (): Promise<void> => {
    await applyNft(planRuleset(block) + places.planAll() + table.planAll());
    await tryTool("nft", ["-f", "-"], planBriefTracking(block));
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    places.close();
    return (closing ??= (async () => {
      await ready.close();
      await tail;
      await namespaces.close();
    })());
  };

  return {
    cidr: block.cidr,
    stableAddress: (index) => planStableAddress(block, index),
    stableCapacity: block.stableCapacity,
    allocateInstance,
    expect: ready.expect,
    allocateBuild: () => allocate(null, true),
    releaseInstance: release,
    openPorts: table.openPorts,

    async adopt(live) {
      const adopted: NetworkPlace[] = [];
      for (const wish of live) {
        const place = namespaces.keep(wish.address);
        if (place === undefined) continue;
        // Normally all there; after a flush of the rules this brings it back.
        await places.limit(place.address, wish.only);
        await table.admit(place.address, wish, wish.outbound);
        adopted.push(placeOf(place));
      }
      return adopted;
    },

    async sweep() {
      // Also what is still allowed or pointed at although its namespace is gone.
      const named = [...table.addresses(), ...places.addresses()];
      const remains = new Set([
        ...namespaces.leftovers(),
        ...named.filter((address) => !namespaces.isUsed(address)),
      ]);
      if (remains.size === 0) return [];
      for (const address of await findInhabited()) remains.delete(address);
      for (const address of remains) await release(address);
      return [...remains];
    },

    setCurrent: table.setCurrent,

    currentMap: async () => (await readTable(block))?.current ?? new Map(),

    repair: () =>
      inTurn(async () => {
        const state = await checkTable(block);
        if (state === "whole") {
          await places.refresh();
          return false;
        }
        if (state === "gone") await claimBlock({ ...options, preferred: block.cidr, candidates: [] });
        await restore();
        return true;
      }),

    close,
    async destroy() {
      await close();
      for (const address of await listPlaces(block)) {
        const place = findPlace(block, address);
        if (place !== undefined) await applyIp(planRemoval(place), { force: true });
      }
      await applyIp(planRoutes(block, "del"), { force: true });
      await releaseBlock(block);
    },
  };
}

import { BloomError } from "@bloomery/contract";
import { claimBlock, releaseBlock, type ClaimOptions } from "./claim-block.js";
import { findInhabited } from "./find-inhabited.js";
import { forgetEnded, forgetInstance } from "./forget-connections.js";
import { checkTable, readTable } from "./kernel-table.js";
import { openNamespaces, listPlaces } from "./namespaces.js";
import { openOutbound, type OutboundOptions } from "./open-outbound.js";
import { createOpenPorts } from "./open-ports.js";
import { findPlace, isOverlapping, planStableAddress, type InstancePlace } from "./plan-block.js";
import type { RelayPort } from "../plan-relays.js";
import type { OutboundList } from "./plan-outbound.js";
import {
  planAdmission,
  planBriefTracking,
  planDismissal,
  planOutbound,
  planRelayed,
  planRemoval,
  planRoutes,
  planRuleset,
  planSwitch,
} from "./plan-ruleset.js";
import { prepareKernel } from "./prepare-kernel.js";
import { applyIp, applyNft, applyNftInside, tryTool } from "./run-tool.js";

/** A network namespace given to one instance or build. */
export interface NetworkPlace {
  /** `/run/netns/bl-…`, to be entered by the shim. */
  readonly netns: string;
  readonly address: string;
  /** Takes the namespace and everything it was allowed away; may be called twice. */
  release(): Promise<void>;
}

export interface InstanceNetworkWish {
  /** Shown beside the address in `nft list ruleset`. */
  readonly id: string;
  /** All that can be reached from the host, led to 127.0.0.1 inside; more may be opened later. */
  readonly ports: readonly number[];
  /** Ports of these that are led to another one inside. */
  readonly relays?: readonly RelayPort[];
  /** True: connections out of the machine are allowed. */
  readonly outbound: boolean;
  /** With `outbound`: the only places they are allowed to; null: all outside of the platform. */
  readonly only?: OutboundList | null;
}

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
  const current = new Map(content?.current);
  const open = createOpenPorts(content?.open ?? []);
  const outbound = new Set(content?.outbound);
  const namespaces = await openNamespaces(block, { spare: options.spare ?? 1 });

  // One change at a time: each transaction is planned from what the one before left.
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = tail.then(work);
    tail = mine.catch(() => undefined);
    return mine;
  };

  const places = await openOutbound({ ...options, block, inTurn });

  const admit = (address: string, wish: InstanceNetworkWish | null, out: boolean): Promise<void> =>
    inTurn(async () => {
      const ports = wish === null ? [] : open.plan(address, wish.ports, wish.id);
      const leaving = out ? planOutbound(block.table, address) : "";
      await applyNft(planAdmission(block.table, ports) + leaving);
      if (wish !== null) open.add(address, ports, wish.id);
      if (out) outbound.add(address);
    });
  const dismiss = (address: string): Promise<void> =>
    inTurn(async () => {
      const pointing = [...current].filter(([, target]) => target === address);
      await applyNft(
        planDismissal(block.table, address, open.of(address)) +
          pointing.map(([stable]) => planSwitch(block.table, stable, address, null)).join(""),
      );
      open.forget(address);
      outbound.delete(address);
      for (const [stable] of pointing) current.delete(stable);
    });

  const release = async (address: string): Promise<void> => {
    if (findPlace(block, address) === undefined) return;
    const named = [...open.addresses(), ...outbound, ...current.values()];
    if (named.includes(address)) await dismiss(address);
    await places.limit(address, null);
    await namespaces.remove(address);
    await forgetInstance(address);
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
      if (wish?.relays !== undefined && wish.relays.length > 0)
        await applyNftInside(place.netns, planRelayed(place, wish.relays));
      await admit(place.address, wish, out);
      return placeOf(place);
    } catch (error) {
      await places.limit(place.address, null).catch(() => undefined);
      await namespaces.remove(place.address);
      throw error;
    } finally {
      namespaces.refill();
    }
  };
  const restore = async (): Promise<void> => {
    await applyNft(
      planRuleset(block) +
        places.planAll() +
        planAdmission(block.table, open.all()) +
        [...outbound].map((address) => planOutbound(block.table, address)).join("") +
        [...current].map(([stable, address]) => planSwitch(block.table, stable, null, address)).join(""),
    );
    await tryTool("nft", ["-f", "-"], planBriefTracking(block));
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    places.close();
    return (closing ??= tail.then(() => namespaces.close()));
  };

  return {
    cidr: block.cidr,
    stableAddress: (index) => planStableAddress(block, index),
    stableCapacity: block.stableCapacity,
    allocateInstance: (wish) => allocate(wish, wish.outbound),
    allocateBuild: () => allocate(null, true),
    releaseInstance: release,
    openPorts: (address, ports) =>
      inTurn(async () => {
        if (!open.addresses().includes(address)) {
          throw new BloomError("ERR_INSTANCE_LOST", `no instance has the address ${address}`);
        }
        const planned = open.plan(address, ports);
        await applyNft(planAdmission(block.table, planned));
        open.add(address, planned);
      }),

    async adopt(live) {
      const adopted: NetworkPlace[] = [];
      for (const wish of live) {
        const place = namespaces.keep(wish.address);
        if (place === undefined) continue;
        // Normally all there; after a flush of the rules this brings it back.
        await places.limit(place.address, wish.only ?? null);
        await admit(place.address, wish, wish.outbound);
        adopted.push(placeOf(place));
      }
      return adopted;
    },

    async sweep() {
      // Also what is still allowed or pointed at although its namespace is gone.
      const named = [...open.addresses(), ...outbound, ...places.addresses(), ...current.values()];
      const remains = new Set([
        ...namespaces.leftovers(),
        ...named.filter((address) => !namespaces.isUsed(address)),
      ]);
      if (remains.size === 0) return [];
      for (const address of await findInhabited()) remains.delete(address);
      for (const address of remains) await release(address);
      return [...remains];
    },

    setCurrent: (stable, address) =>
      inTurn(async () => {
        assertIn(block.stable, stable);
        if (address !== null) assertIn(block.instances, address);
        // Most names of an app stay when one of its replicas is replaced.
        if ((current.get(stable) ?? null) === address) return;
        const change = (from: string | null): Promise<void> =>
          applyNft(planSwitch(block.table, stable, from, address));
        try {
          await change(current.get(stable) ?? null);
        } catch (error) {
          // The map was changed behind our back: look, then try once more.
          const actual = await readTable(block);
          if (actual === undefined) throw error;
          await change(actual.current.get(stable) ?? null);
        }
        if (address === null) current.delete(stable);
        else current.set(stable, address);
        await forgetEnded(stable);
      }),

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

// It ends up in the text of a rule: nothing but an address may get there.
function assertIn(range: string, address: string): void {
  if (/^[0-9.]+$/.test(address) && isOverlapping(range, address)) return;
  throw new BloomError("ERR_INTERNAL", `${address} is not an address of ${range}`);
}

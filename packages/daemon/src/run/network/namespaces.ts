import { readdir } from "node:fs/promises";
import { BloomError } from "@bloomery/contract";
import { addressOfName, findPlace, planPlace, type InstancePlace, type NetworkBlock } from "./plan-block.js";
import { planInside, planNamespace, planRemoval } from "./plan-ruleset.js";
import { applyInside, applyIp } from "./run-tool.js";

/** The namespaces of one block: which are in use, and a few kept ready because making one takes about 20 ms. */
export interface Namespaces {
  /** A namespace nobody else has. Throws ERR_LIMIT_REACHED or ERR_NETWORK_SETUP. */
  take(): Promise<InstancePlace>;
  /** Makes the next spares in the background, in a while: who has taken one may have more to wait for. */
  refill(): void;
  /** Marks one that exists already as used; undefined when it is not there. */
  keep(address: string): InstancePlace | undefined;
  /** Takes namespace and link away; harmless when they are gone. */
  remove(address: string): Promise<void>;
  /** Addresses found when opening that nobody has kept since. */
  leftovers(): readonly string[];
  /** True while an instance or a build has it, or something of it is left. */
  isUsed(address: string): boolean;
  /** Removes what is only kept ready. */
  close(): Promise<void>;
}

const pauseMs = 100;

export async function openNamespaces(
  block: NetworkBlock,
  options: { readonly spare: number },
): Promise<Namespaces> {
  const leftover = new Set(await listPlaces(block));
  const used = new Set(leftover);
  const spares: Promise<InstancePlace>[] = [];
  // Not from the start: connection tracking may still know peers of an address that was used a moment ago.
  let next = Math.floor(Math.random() * block.instanceCapacity);
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const reserve = (): InstancePlace => {
    for (let tried = 0; tried < block.instanceCapacity; tried++) {
      const place = planPlace(block, next);
      next = (next + 1) % block.instanceCapacity;
      if (used.has(place.address)) continue;
      used.add(place.address);
      return place;
    }
    throw new BloomError(
      "ERR_LIMIT_REACHED",
      `${block.cidr} has ${block.instanceCapacity} places, all in use`,
    );
  };
  const make = async (): Promise<InstancePlace> => {
    const place = reserve();
    try {
      await applyIp(planNamespace(place));
      const inside = planInside(place);
      await applyInside(place.netns, inside.ip, inside.nft);
      return place;
    } catch (error) {
      await applyIp(planRemoval(place), { force: true });
      used.delete(place.address);
      throw error;
    }
  };
  const fill = (): void => {
    while (!closed && spares.length < options.spare) {
      const spare = make();
      // A failure is told to whoever takes it; nobody may be waiting yet.
      spare.catch(() => undefined);
      spares.push(spare);
    }
  };

  const refill = (): void => {
    clearTimeout(timer);
    timer = setTimeout(fill, pauseMs).unref();
  };

  fill();
  return {
    async take() {
      // A spare that failed says nothing about now.
      return (await spares.shift()?.catch(make)) ?? (await make());
    },
    refill,
    keep(address) {
      const place = findPlace(block, address);
      if (place === undefined || !leftover.delete(address)) return undefined;
      return place;
    },
    async remove(address) {
      const place = findPlace(block, address);
      if (place === undefined || !used.has(address)) return;
      await applyIp(planRemoval(place), { force: true });
      leftover.delete(address);
      used.delete(address);
    },
    isUsed: (address) => used.has(address),
    leftovers: () => [...leftover],
    async close() {
      closed = true;
      clearTimeout(timer);
      const places = await Promise.allSettled(spares.splice(0));
      for (const place of places) {
        if (place.status === "fulfilled") await applyIp(planRemoval(place.value), { force: true });
      }
    },
  };
}

/** Instance addresses of this block of which a namespace or a link exists. */
export async function listPlaces(block: NetworkBlock): Promise<readonly string[]> {
  const names = await Promise.all(
    ["/run/netns", "/sys/class/net"].map((dir) => readdir(dir).catch(() => [])),
  );
  const addresses = names.flat().flatMap((name) => addressOfName(name) ?? []);
  return [...new Set(addresses)].filter((address) => findPlace(block, address) !== undefined);
}

import { isDeepStrictEqual } from "node:util";
import type { NetworkBlock } from "./plan-block.js";
import {
  parseOutbound,
  planNames,
  planOutbound,
  planOutboundRemoval,
  type OutboundList,
} from "./plan-outbound.js";
import { planResolvers } from "./plan-ruleset.js";
import { readResolvers as readOwnResolvers } from "./read-resolvers.js";
import { applyNft, tryTool } from "./run-tool.js";
import { watchNames, type NameWatchOptions } from "./watch-names.js";

/** Who may connect only where a list says, and whom all may ask for names. */
export interface Outbound {
  /**
   * From now on the instance connects to these places only; null takes its list away. Names are asked for first, for
   * a moment at most.
   */
  limit(address: string, list: OutboundList | null): Promise<void>;
  /** Instances with a list in the kernel or by `limit`. */
  addresses(): readonly string[];
  /** Text for `nft -f` that brings back what was set here. */
  planAll(): string;
  /** Follows the machine's resolvers, which may have changed. */
  refresh(): Promise<void>;
  close(): void;
}

export interface OutboundOptions {
  /** The servers instances may ask for names; without it those of `/etc/resolv.conf`. */
  readonly resolvers?: () => Promise<readonly string[]>;
  /** How the names in lists are looked up. */
  readonly names?: Omit<NameWatchOptions, "onChange" | "known">;
}

/** Where the lists live. */
interface Table {
  readonly block: NetworkBlock;
  /** One change of the table at a time. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
}

const nowhere: OutboundList = { rules: [], hosts: {} };

/** Reads what an earlier daemon has set: it holds until somebody sets it anew. */
export async function openOutbound(options: OutboundOptions & Table): Promise<Outbound> {
  const { block, inTurn, resolvers: readResolvers = readOwnResolvers } = options;
  const text = (await tryTool("nft", ["-n", "list", "table", "ip", block.table])) ?? "";
  const found = parseOutbound(text);
  const lists = new Map<string, OutboundList | null>(found.instances.map((address) => [address, null]));
  // What nobody has taken over reaches nothing once its chain is lost.
  const planOf = (address: string): string =>
    planOutbound(block.table, address, lists.get(address) ?? nowhere, names.addressesOf);
  const names = watchNames({
    ...options.names,
    known: found.names,
    onChange(changed) {
      for (const [address, list] of lists) {
        if (list === null || !planNames(list).some((name) => changed.has(name))) continue;
        // The table may be gone just now: then all of it is brought back together.
        void inTurn(() => applyNft(planOf(address))).catch(() => undefined);
      }
    },
  });

  const lift = (address: string): Promise<void> =>
    inTurn(async () => {
      const list = lists.get(address);
      if (list === undefined) return;
      lists.delete(address);
      if (list !== null) names.leave(planNames(list));
      // What is not there cannot be deleted: it is made first.
      const nothing = planOutbound(block.table, address, nowhere, () => []);
      await applyNft(nothing + planOutboundRemoval(block.table, address));
    });
  let resolvers = await readResolvers();
  await applyNft(planResolvers(block.table, resolvers));

  return {
    async limit(address, list) {
      if (list === null) return lift(address);
      const before = lists.get(address);
      // An answer that comes late finds it here.
      lists.set(address, list);
      await names.follow(planNames(list));
      if (before !== undefined && before !== null) names.leave(planNames(before));
      await inTurn(() => applyNft(planOf(address)));
    },
    addresses: () => [...lists.keys()],
    planAll: () => planResolvers(block.table, resolvers) + [...lists.keys()].map(planOf).join(""),
    async refresh() {
      const now = await readResolvers();
      if (isDeepStrictEqual(now, resolvers)) return;
      await applyNft(planResolvers(block.table, now));
      resolvers = now;
    },
    close: () => names.close(),
  };
}

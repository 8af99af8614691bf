import { BloomError } from "@bloomery/contract";
import { forgetEnded } from "./forget-connections.js";
import { readTable, type TableContent } from "./kernel-table.js";
import type { InstanceNetworkWish } from "./network-place.js";
import { createOpenPorts } from "./open-ports.js";
import { isOverlapping, type NetworkBlock } from "./plan-block.js";
import { planAdmission, planDismissal, planOutbound, planSwitch } from "./plan-ruleset.js";
import { applyNft } from "./run-tool.js";

/** What instances are allowed, and which of them stable addresses lead to, as the kernel has been told. */
export interface Allowances {
  /** Lets clients come to the wish's ports; null: to none. `out`: lets the address connect to others. */
  admit(address: string, wish: InstanceNetworkWish | null, out: boolean): Promise<void>;
  /** Takes back whatever an address was allowed, and leads nobody to it; harmless when there is nothing. */
  dismiss(address: string): Promise<void>;
  /** See `HostNetwork.openPorts`. */
  openPorts(address: string, ports: readonly number[]): Promise<void>;
  /** What is said of the address from now on when the kernel is told of it. */
  name(address: string, id: string): void;
  /** See `HostNetwork.setCurrent`. */
  setCurrent(stable: string, address: string | null): Promise<void>;
  /** Everybody who is allowed something or led to. */
  addresses(): readonly string[];
  /** Text for `nft -f` that brings all of it back into an empty table. */
  planAll(): string;
}

/** Begins with what the kernel's table held. */
export function createAllowances(
  {
    block,
    inTurn,
  }: {
    readonly block: NetworkBlock;
    /** One change at a time: each transaction is planned from what the one before left. */
    readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  },
  content: TableContent | undefined,
): Allowances {
  const current = new Map(content?.current);
  const open = createOpenPorts(content?.open ?? []);
  const outbound = new Set(content?.outbound);
  const addresses = (): readonly string[] => [...open.addresses(), ...outbound, ...current.values()];

  return {
    admit: (address, wish, out) =>
      inTurn(async () => {
        const ports = wish === null ? [] : open.plan(address, wish.ports, wish.id);
        const leaving = out ? planOutbound(block.table, address) : "";
        await applyNft(planAdmission(block.table, ports) + leaving);
        if (wish !== null) open.add(address, ports, wish.id);
        if (out) outbound.add(address);
      }),

    async dismiss(address) {
      if (!addresses().includes(address)) return;
      await inTurn(async () => {
        const pointing = [...current].filter(([, target]) => target === address);
        await applyNft(
          planDismissal(block.table, address, open.of(address)) +
            pointing.map(([stable]) => planSwitch(block.table, stable, address, null)).join(""),
        );
        open.forget(address);
        outbound.delete(address);
        for (const [stable] of pointing) current.delete(stable);
      });
    },

    openPorts: (address, ports) =>
      inTurn(async () => {
        if (!open.addresses().includes(address)) {
          throw new BloomError("ERR_INSTANCE_LOST", `no instance has the address ${address}`);
        }
        const planned = open.plan(address, ports);
        await applyNft(planAdmission(block.table, planned));
        open.add(address, planned);
      }),

    name: (address, id) => open.add(address, [], id),

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

    addresses,
    planAll: () =>
      planAdmission(block.table, open.all()) +
      [...outbound].map((address) => planOutbound(block.table, address)).join("") +
      [...current].map(([stable, address]) => planSwitch(block.table, stable, null, address)).join(""),
  };
}

// It ends up in the text of a rule: nothing but an address may get there.
function assertIn(range: string, address: string): void {
  if (/^[0-9.]+$/.test(address) && isOverlapping(range, address)) return;
  throw new BloomError("ERR_INTERNAL", `${address} is not an address of ${range}`);
}

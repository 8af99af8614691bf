import { BloomError } from "@bloomery/contract";
import type { OpenPort } from "./plan-ruleset.js";

/** Which ports of which instance are open, as the kernel has been told. */
export interface OpenPorts {
  /**
   * What the kernel is to be told, and then `add`. Without a label it is the one the address has already. Throws
   * ERR_INVALID_ARGUMENT for what is no port.
   */
  plan(address: string, ports: readonly number[], label?: string): readonly OpenPort[];
  add(address: string, open: readonly OpenPort[], label?: string): void;
  of(address: string): readonly number[];
  forget(address: string): void;
  /** Every address that was ever given ports, or a label to have them later. */
  addresses(): readonly string[];
  all(): readonly OpenPort[];
}

/** Begins with what the kernel's table held. */
export function createOpenPorts(before: readonly OpenPort[]): OpenPorts {
  const known = new Map<string, { readonly label: string; readonly ports: Set<number> }>();
  const add: OpenPorts["add"] = (address, open, label) => {
    const ports = known.get(address)?.ports ?? new Set<number>();
    for (const { port } of open) ports.add(port);
    known.set(address, { label: label ?? known.get(address)?.label ?? open[0]?.label ?? "", ports });
  };

  for (const entry of before) add(entry.address, [entry]);
  return {
    plan(address, ports, label = known.get(address)?.label ?? "") {
      for (const port of ports) assertPort(port);
      return [...new Set(ports)].map((port) => ({ address, port, label }));
    },
    add,
    of: (address) => [...(known.get(address)?.ports ?? [])],
    forget: (address) => void known.delete(address),
    addresses: () => [...known.keys()],
    all: () =>
      [...known].flatMap(([address, { label, ports }]) =>
        [...ports].map((port) => ({ address, port, label })),
      ),
  };
}

// It ends up in the text of a rule: nothing but a number may get there.
function assertPort(port: number): void {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return;
  throw new BloomError("ERR_INVALID_ARGUMENT", `${port} is not a port`);
}

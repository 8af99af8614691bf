import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { RoutedEnvironment } from "../../edge.js";
import { gatePath } from "./gate-path.js";
import { openGate, type Gate, type GateFacts, type GateOptions } from "./open-gate.js";

/** The gates of all functions that have schemas. */
export interface Gates {
  /**
   * Opens and changes gates as it takes to serve these, before nginx is led to them; what it returns closes those that
   * nginx has been led away from.
   */
  follow(served: readonly RoutedEnvironment[]): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export interface GatesOptions extends Omit<GateOptions, "path"> {
  readonly folder: string;
  readonly holdPath: (environment: { readonly slot: number }) => string;
}

export async function openGates(options: GatesOptions): Promise<Gates> {
  // What an earlier daemon left: nobody listens there any more.
  for (const name of await readdir(options.folder)) {
    if (name.startsWith("gate-")) await rm(join(options.folder, name), { force: true });
  }
  const gates = new Map<number, Gate>();
  const obtain = async (slot: number, facts: GateFacts): Promise<void> => {
    const gate = gates.get(slot);
    if (gate !== undefined) return gate.update(facts);
    gates.set(slot, await openGate({ ...options, path: gatePath(options.folder, { slot }) }, facts));
  };
  const closeOne = async (slot: number, gate: Gate): Promise<void> => {
    gates.delete(slot);
    await gate.close();
  };
  return {
    async follow(served) {
      const wanted = new Map(served.flatMap((one) => planGate(one, options)));
      for (const [slot, facts] of wanted) await obtain(slot, facts);
      return async () => {
        for (const [slot, gate] of gates) if (!wanted.has(slot)) await closeOne(slot, gate);
      };
    },
    async close() {
      for (const [slot, gate] of gates) await closeOne(slot, gate);
    },
  };
}

/** Nothing for an app without schemas. */
function planGate(one: RoutedEnvironment, { holdPath }: GatesOptions): [number, GateFacts][] {
  const config = one.config.function;
  if (config === null || (config.inputSchema === null && config.outputSchema === null)) return [];
  return [[one.slot, { config, servers: one.upstreams, holdSocket: holdPath(one) }]];
}

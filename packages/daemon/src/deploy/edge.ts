import type { AppConfig } from "@bloomery/contract";
import type { Instance, InstanceAddress } from "../run/engines/engine.js";
import type { Edge } from "./walk.js";

/** Most replicas one environment may have; decides how many stable names are kept for it. */
export const replicaLimit = 16;

/** How an environment is served at present. */
export interface ServedEnvironment {
  readonly id: string;
  readonly slot: number;
  readonly org: string;
  readonly app: string;
  readonly environment: string;
  readonly desired: "running" | "stopped";
  readonly config: AppConfig;
  readonly artifactDir: string;
  readonly replicas: number;
}

/** The two ways to lead a stable name to an instance; which one is used depends on the instance's address. */
export interface Switchboard {
  /** Stable IPv4 address of a numbered place. */
  stableAddress(index: number): string;
  setCurrent(stable: string, address: string | null): Promise<void>;
  stablePath(name: string): string;
  setPath(name: string, socket: string | null): Promise<void>;
}

export interface EdgeParts {
  readonly switchboard: Switchboard;
  /** True when instances have addresses of their own. */
  readonly hasNetwork: boolean;
  readonly listServed: () => Promise<readonly ServedEnvironment[]>;
  /** Plans nginx's configuration from these environments and applies it. */
  readonly applyRoutes: (
    served: readonly (ServedEnvironment & { readonly upstreams: readonly InstanceAddress[] })[],
  ) => Promise<void>;
}

export function createEdge(parts: EdgeParts): Edge {
  const { switchboard } = parts;
  const nameOf = (slot: number, replica: number): string => `web-${slot}-${replica}`;
  const stableOf = (slot: number, replica: number, port: number): InstanceAddress =>
    parts.hasNetwork
      ? { kind: "tcp", address: switchboard.stableAddress(slot * replicaLimit + replica), port }
      : { kind: "unix", path: switchboard.stablePath(nameOf(slot, replica)) };

  const led = new Map<string, Set<number>>();

  return {
    async point(environment, instances) {
      const wanted = new Map(instances.map((instance: Instance) => [instance.replica, instance.address]));
      const before =
        led.get(environment.id) ?? new Set(Array.from({ length: replicaLimit }, (_, index) => index));
      for (const replica of new Set([...before, ...wanted.keys()])) {
        const address = wanted.get(replica);
        if (parts.hasNetwork) {
          const stable = switchboard.stableAddress(environment.slot * replicaLimit + replica);
          await switchboard.setCurrent(stable, address?.kind === "tcp" ? address.address : null);
        } else {
          await switchboard.setPath(
            nameOf(environment.slot, replica),
            address?.kind === "unix" ? address.path : null,
          );
        }
      }
      led.set(environment.id, new Set(wanted.keys()));
    },

    async refresh() {
      const served = await parts.listServed();
      await parts.applyRoutes(
        served.map((one) => ({
          ...one,
          upstreams: Array.from({ length: one.replicas }, (_, replica) =>
            stableOf(one.slot, replica, one.config.web.port),
          ),
        })),
      );
    },
  };
}

import { manifestLimits, type AppConfig } from "@bloomery/contract";
import type { Instance, InstanceAddress } from "../run/engines/engine.js";

/** Most replicas one environment may have; decides how many stable names are kept for it. */
export const replicaLimit = manifestLimits.replicas.max;

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

/** The same with the stable names of its replicas, as nginx needs it. */
export interface RoutedEnvironment extends ServedEnvironment {
  readonly upstreams: readonly InstanceAddress[];
}

/** The two ways to lead a stable name to an instance; which one is used depends on the instance's address. */
export interface Switchboard {
  /** Stable IPv4 address of a numbered place. Throws ERR_LIMIT_REACHED when there are not so many. */
  stableAddress(index: number): string;
  /** Null leads it nowhere, which costs nothing when it leads nowhere already. */
  setAddress(index: number, address: string | null): Promise<void>;
  stablePath(name: string): string;
  /** Null leads it nowhere, which costs nothing when it leads nowhere already. */
  setPath(name: string, socket: string | null): Promise<void>;
}

type EnvironmentPlace = Pick<ServedEnvironment, "id" | "slot">;

/** How the edge is led to other instances. */
export interface Edge {
  /** Leads the stable name of each replica to its instance; the names of missing replicas lead nowhere. */
  point(environment: EnvironmentPlace, instances: readonly Instance[]): Promise<void>;
  /** Writes the routes of all environments anew and waits until nginx has them; does nothing when unchanged. */
  refresh(): Promise<void>;
  /** With the stable names of its replicas. */
  route(served: ServedEnvironment): RoutedEnvironment;
  /**
   * Throws ERR_MANIFEST_INVALID when nginx would refuse what the environment's config says, ERR_PORT_TAKEN when a port
   * of it is somebody else's. `isBuilt`: whether the artifact's files are there to be looked at.
   */
  assertRoutable(served: ServedEnvironment, isBuilt?: boolean): Promise<void>;
}

export interface EdgeParts {
  readonly switchboard: Switchboard;
  /** True when instances have addresses of their own. */
  readonly hasNetwork: boolean;
  readonly listServed: () => Promise<readonly ServedEnvironment[]>;
  /** Plans nginx's configuration from these environments and applies it. */
  readonly applyRoutes: (served: readonly RoutedEnvironment[]) => Promise<void>;
  readonly assertRoutable: (
    served: RoutedEnvironment,
    others: readonly RoutedEnvironment[],
    isBuilt: boolean,
  ) => Promise<void>;
}

/** Where listeners are that have no network of their own. */
export const machineAddress = "127.0.0.1";

type Kind = InstanceAddress["kind"];
const kinds: readonly Kind[] = ["tcp", "unix"];

export function createEdge(parts: EdgeParts): Edge {
  const { switchboard } = parts;
  const nameOf = (slot: number, replica: number): string => `web-${slot}-${replica}`;
  // In the host's network an app has no address of its own, with root as without.
  const kindOf = ({ config }: ServedEnvironment): Kind => {
    const isByAddress =
      config.shape === "tcp" || (config.shape === "web" && config.web.upstream.socketFamily === "tcp");
    return parts.hasNetwork && config.network !== "host" && isByAddress ? "tcp" : "unix";
  };

  const setName = async (
    slot: number,
    replica: number,
    kind: Kind,
    address: InstanceAddress | undefined,
  ): Promise<void> => {
    if (kind === "unix") {
      await switchboard.setPath(nameOf(slot, replica), address?.kind === "unix" ? address.path : null);
    } else if (parts.hasNetwork) {
      const index = slot * replicaLimit + replica;
      // The machine's own network is nobody's to switch.
      const isOwn = address?.kind === "tcp" && address.address !== machineAddress;
      await switchboard.setAddress(index, isOwn ? address.address : null);
    }
  };
  const route = (one: ServedEnvironment): RoutedEnvironment => ({
    ...one,
    upstreams: Array.from({ length: one.replicas }, (_, replica) =>
      kindOf(one) === "unix"
        ? { kind: "unix", path: switchboard.stablePath(nameOf(one.slot, replica)) }
        : {
            kind: "tcp",
            address: switchboard.stableAddress(one.slot * replicaLimit + replica),
            port: one.config.web.port,
          },
    ),
  });

  /** By environment: the replicas that were led somewhere, and how. */
  const led = new Map<string, ReadonlyMap<number, Kind>>();
  /** Names that nginx may use until it has its next routes: a version may listen otherwise than the one before. */
  let outdated: (() => Promise<void>)[] = [];

  return {
    async point(environment, instances) {
      const { id, slot } = environment;
      const wanted = new Map(instances.map((instance) => [instance.replica, instance.address]));
      for (const [replica, address] of wanted) await setName(slot, replica, address.kind, address);
      const before = led.get(id);
      const replicas = new Set([...(before?.keys() ?? allReplicas()), ...wanted.keys()]);
      for (const replica of replicas) {
        for (const kind of kinds) {
          if (wanted.get(replica)?.kind === kind) continue;
          if (before !== undefined && before.get(replica) !== kind) continue;
          const clear = (): Promise<void> => setName(slot, replica, kind, undefined);
          if (wanted.has(replica) && before !== undefined) outdated.push(clear);
          else await clear();
        }
      }
      led.set(id, new Map([...wanted].map(([replica, address]) => [replica, address.kind])));
    },

    async refresh() {
      const work = outdated;
      outdated = [];
      const served = await parts.listServed();
      await parts.applyRoutes(served.map(route));
      for (const clear of work) await clear();
    },

    route,
    async assertRoutable(served, isBuilt = true) {
      const others = (await parts.listServed()).filter(({ id }) => id !== served.id);
      await parts.assertRoutable(route(served), others.map(route), isBuilt);
    },
  };
}

function allReplicas(): number[] {
  return Array.from({ length: replicaLimit }, (_, index) => index);
}

import type { AppConfig } from "@bloomery/contract";
import { openConnections, type Connections } from "../observe/connections/open-connections.js";
import { planNginxPaths } from "../route/nginx-paths.js";
import type { HostNetwork } from "../run/network/open-network.js";
import { parseBlock } from "../run/network/plan-block.js";
import { relayedPorts } from "../run/plan-relays.js";
import { createDial, type Dial, type DialParts } from "./dial.js";
import type { Place } from "./places.js";
import { planServed } from "./served.js";

/** Who is connected to the apps, and how one connects by hand. */
export interface Reach {
  readonly connections: Connections;
  readonly dial: Dial;
  /** Sockets without a port by which an environment is reached, or whoever wakes it. */
  socketsOf(place: Place, config: AppConfig): readonly string[];
}

export function openReach(
  parts: DialParts & {
    /** The home's `nginx` folder. */
    readonly nginx: string;
    readonly network: Pick<HostNetwork, "cidr"> | null;
    readonly log: { warn(fields: object, text: string): void };
  },
): Reach {
  const { network, log } = parts;
  return {
    connections: openConnections({
      streamLog: planNginxPaths(parts.nginx).streamLog,
      block: network === null ? null : parseBlock(network.cidr),
      log,
    }),
    dial: createDial(parts),
    socketsOf(place, config) {
      const served = planServed(place, config, "");
      const { upstreams } = parts.edge.route(served);
      const paths = upstreams.flatMap((one) => (one.kind === "unix" ? one.path : []));
      const relayed = config.tcp === null || paths.length === 0 ? [] : relayedPorts(config.tcp);
      const relays = relayed.map((port) => parts.relayPath(served.id, port));
      return [...paths, ...relays, ...parts.backupPaths(served)];
    },
  };
}

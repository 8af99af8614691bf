import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { clearUnix, switchUnix } from "../route/switch-unix.js";
import type { HostNetwork } from "../run/network/open-network.js";
import type { Switchboard } from "./edge.js";
import type { Owner } from "./hold/sockets.js";

/**
 * The switchboard of this machine. It knows which names lead somewhere, be it since an earlier daemon: most names of most
 * environments lead nowhere and never did, and a thousand functions that sleep have many.
 */
export async function openSwitchboard(parts: {
  readonly folder: string;
  readonly owner: Owner;
  /** Null: instances have no addresses of their own. */
  readonly network: Pick<
    HostNetwork,
    "stableAddress" | "stableCapacity" | "setCurrent" | "currentMap"
  > | null;
}): Promise<Switchboard> {
  const { folder, owner, network } = parts;
  const stablePath = (name: string): string => join(folder, `${name}.sock`);
  const paths = new Set((await readdir(folder)).map((name) => join(folder, name)));
  const addresses = new Set((await network?.currentMap())?.keys());
  const stableAddress = (index: number): string => network?.stableAddress(index) ?? "";

  return {
    stableAddress,
    async setAddress(index, address) {
      // A socket needs no address, so there may be more environments than addresses.
      if (network === null || (address === null && index >= network.stableCapacity)) return;
      const stable = stableAddress(index);
      if (address === null && !addresses.has(stable)) return;
      await network.setCurrent(stable, address);
      if (address === null) addresses.delete(stable);
      else addresses.add(stable);
    },
    stablePath,
    async setPath(name, socket) {
      const stable = stablePath(name);
      if (socket !== null) {
        // Known before it is there: a switch that fails half-way may have made it.
        paths.add(stable);
        await switchUnix(stable, socket, owner);
      } else if (paths.has(stable)) {
        await clearUnix(stable);
        paths.delete(stable);
      }
    },
  };
}

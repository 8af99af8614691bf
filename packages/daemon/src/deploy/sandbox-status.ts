import type { PlatformStatus } from "@bloomery/contract";
import { readResolvers } from "../run/network/read-resolvers.js";
import type { HostFacts } from "../run/probe-host.js";

/** What isolates instances on this machine, as `bloom server status` tells it. */
export async function describeSandbox(host: HostFacts): Promise<PlatformStatus["sandbox"]> {
  const { isRoot, cgroups } = host;
  return {
    description: isRoot ? "bubblewrap, own user and network namespace" : "bubblewrap, the host's network",
    root: isRoot,
    network: isRoot ? "namespaces" : "host",
    cgroups: cgroups.kind,
    missing: [...planMissing(host, await readResolvers())],
  };
}

/** What instances are not kept from on this machine, and why: one sentence each, for whoever runs it. */
export function planMissing(
  { isRoot, cgroups }: Pick<HostFacts, "isRoot" | "cgroups">,
  resolvers: readonly string[],
): readonly string[] {
  const missing: string[] = [];
  if (!isRoot) {
    missing.push(
      'no network of their own: apps with a port, and others with `network = "outbound"`, reach each other, the API, everything on this machine and its network (run the daemon as root)',
      'no limits of the network: `network = "none"` of an app with a port and lists of `outbound` are refused (run the daemon as root)',
      "no users of their own: apps run as the daemon's user (run the daemon as root)",
    );
  }
  if (cgroups.kind === "none") {
    missing.push("no control groups: limits of memory and processes hold for each process, not for the app");
  }
  if (isRoot && resolvers.length === 0) {
    missing.push(
      "no name server: /etc/resolv.conf has none that instances and builds could reach, so host names are unknown to them (name one with an IPv4 address outside of 127.0.0.0/8)",
    );
  }
  return missing;
}

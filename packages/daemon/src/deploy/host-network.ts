import { openNetwork, type HostNetwork } from "../run/network/open-network.js";
import type { HostFacts } from "../run/probe-host.js";
import type { Settings } from "../settings.js";
import type { Store } from "../store/open-store.js";

/** The key under which the claimed block is remembered, so that a restart finds its instances where they were. */
const blockSetting = "network.block";

/** Opens the host's side of the namespaces; null without root. */
export async function openHostNetwork(
  host: HostFacts,
  settings: Settings,
  store: Store,
  home: string,
): Promise<HostNetwork | null> {
  if (!host.isRoot) return null;
  const remembered = await store.settings.get(blockSetting);
  const preferred = settings.network ?? (typeof remembered === "string" ? remembered : null);
  const network = await openNetwork({ home, preferred });
  await store.settings.set(blockSetting, network.cidr);
  return network;
}

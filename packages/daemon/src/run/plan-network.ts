import { BloomError, type AppConfig } from "@bloomery/contract";
import type { OutboundList } from "./network/plan-outbound.js";

/** The network of an app's instances on one machine. */
export type InstanceNetworkPlan =
  /** Not even a link: whoever wants something comes by a unix socket. */
  | { readonly kind: "empty" }
  | { readonly kind: "namespace"; readonly outbound: boolean; readonly only: OutboundList | null }
  /** The machine's own; `missing` says what the app was promised and does not get, and why. */
  | { readonly kind: "host"; readonly missing: string | null };

export type NetworkWish = Pick<
  AppConfig,
  "shape" | "network" | "outbound" | "web" | "function" | "prefork" | "additionalHosts"
>;

const withoutRoot = "cannot be kept by a daemon that is not root: its instances share the machine's network";

/** What `[run] network` comes to; `hasNamespaces` is false without root. */
export function planNetwork(config: NetworkWish, hasNamespaces: boolean): InstanceNetworkPlan {
  const { network, outbound } = config;
  if (network === "host") {
    const words =
      'the manifest has a list of places in `outbound` and network = "host", and nothing holds the machine\'s own network to a list';
    return { kind: "host", missing: outbound === null ? null : words };
  }
  if (network === "none" && isAskedBySocket(config)) return { kind: "empty" };
  if (hasNamespaces) {
    const only = outbound === null ? null : { rules: outbound, hosts: planHosts(config) };
    return network === "none"
      ? { kind: "namespace", outbound: false, only: null }
      : { kind: "namespace", outbound: true, only };
  }
  if (network === "none") {
    return { kind: "host", missing: `network = "none" of an app that listens on a port ${withoutRoot}` };
  }
  return {
    kind: "host",
    missing: outbound === null ? null : `the list of places in \`outbound\` ${withoutRoot}`,
  };
}

/**
 * Throws ERR_ISOLATION_UNAVAILABLE when the app would get less isolation than its manifest says, unless the daemon's
 * owner has accepted that; what is missing then is returned, in words.
 */
export function assertIsolation(
  config: NetworkWish,
  { hasNamespaces, isWeakAccepted }: { readonly hasNamespaces: boolean; readonly isWeakAccepted: boolean },
): string | null {
  const plan = planNetwork(config, hasNamespaces);
  const missing = plan.kind === "host" ? plan.missing : null;
  if (missing === null) return null;
  if (isWeakAccepted) return missing;
  throw new BloomError("ERR_ISOLATION_UNAVAILABLE", missing);
}

/** True when nobody needs a network to reach the app. */
export function isAskedBySocket({ shape, function: own, prefork, web }: NetworkWish): boolean {
  if (own !== null || prefork !== null) return true;
  return shape === "web" && web.upstream.socketFamily === "unix";
}

function planHosts({ additionalHosts }: NetworkWish): OutboundList["hosts"] {
  return Object.fromEntries(
    Object.entries(additionalHosts).map(([name, address]) => [name.toLowerCase(), address]),
  );
}

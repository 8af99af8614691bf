import type { OutboundList } from "./plan-outbound.js";

/** A network namespace given to one instance or build. */
export interface NetworkPlace {
  /** `/run/netns/bl-…`, to be entered by the shim. */
  readonly netns: string;
  readonly address: string;
  /** Takes the namespace and everything it was allowed away; may be called twice. */
  release(): Promise<void>;
}

export interface InstanceNetworkWish {
  /** Shown beside the address in `nft list ruleset`, unless its place was ready before it was known. */
  readonly id: string;
  /** All that can be reached from the host, led to 127.0.0.1 inside; more may be opened later. */
  readonly ports: readonly number[];
  /** True: connections out of the machine are allowed. */
  readonly outbound: boolean;
  /** With `outbound`: the only places they are allowed to; null: all outside of the platform. */
  readonly only?: OutboundList | null;
}

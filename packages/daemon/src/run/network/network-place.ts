import type { PlaceKind } from "../plan-place-kind.js";

/** A network namespace given to one instance or build. */
export interface NetworkPlace {
  /** `/run/netns/bl-…`, to be entered by the shim. */
  readonly netns: string;
  readonly address: string;
  /** Takes the namespace and everything it was allowed away; may be called twice. */
  release(): Promise<void>;
}

export interface InstanceNetworkWish extends PlaceKind {
  /** Shown beside the address in `nft list ruleset`, unless its place was ready before it was known. */
  readonly id: string;
}

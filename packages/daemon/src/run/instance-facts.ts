import type { CgroupSpec, ShimSpec } from "@bloomery/contract";

/** What the machine gives one instance. */
export interface InstanceFacts {
  readonly dir: string;
  readonly bwrap: string;
  /** The program that runs prefork apps. */
  readonly preforkPath: string;
  /** The folder with the files of its /etc. */
  readonly etc: string;
  /** A sandbox that was made ahead waits for it. */
  readonly isStandby: boolean;
  /** Null: the daemon is not root, everything runs as its own user. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /** Null: the host's network. */
  readonly netns: string | null;
  readonly listen: InstanceListen;
  readonly cgroups: readonly CgroupSpec[];
  /** Writable folders on the host, by their path below /app. */
  readonly mounts: readonly { readonly path: string; readonly source: string }[];
}

/** Where the app listens, and the socket on which the shim forwards to it; null: nginx reaches the port itself. */
export type OwnListen =
  | { readonly kind: "tcp"; readonly port: number; readonly forward: string | null }
  | { readonly kind: "unix"; readonly forward: string };

/** TCP ports of the app's own choice, in the order of the manifest; none: they are found out when it runs. */
export interface PortsListen {
  readonly kind: "ports";
  readonly ports: readonly number[];
  /** Where clients of some of them are taken in first, to be announced to the app. */
  readonly relays: readonly NonNullable<ShimSpec["relays"]>[number][];
}

/** One of these, or the socket of this path, which the shim binds for it. */
export type InstanceListen = OwnListen | PortsListen | { readonly kind: "given"; readonly path: string };

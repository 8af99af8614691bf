import type { AppConfig, ShimStatus } from "@bloomery/contract";

/** Where nginx reaches an instance. */
export type InstanceAddress =
  | { readonly kind: "tcp"; readonly address: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Everything an engine needs to run one replica of one release. */
export interface InstanceWish {
  readonly id: string;
  readonly appName: string;
  /** Decides the uid. */
  readonly appSlot: number;
  readonly environmentId: string;
  readonly releaseId: string;
  readonly role: string;
  readonly replica: number;
  readonly config: AppConfig;
  readonly artifactDir: string;
  /** The complete environment of the process except PORT, which the engine decides. */
  readonly env: Readonly<Record<string, string>>;
}

/** One running process tree, wherever it runs. */
export interface Instance {
  readonly id: string;
  readonly environmentId: string;
  readonly releaseId: string;
  readonly role: string;
  readonly replica: number;
  readonly address: InstanceAddress;
  /** The newest status that was told. */
  readonly status: ShimStatus;
  refresh(): Promise<ShimStatus>;
  watchStatus(listener: (status: ShimStatus) => void): () => void;
  /** Waits until no connection is left or the limit passes, then stops. Resolves when it is gone. */
  drain(limitMs: number): Promise<void>;
  /** TERM, grace, KILL. Resolves when it is gone and nothing is left of it. */
  stop(graceMs: number | null): Promise<void>;
  /** Fulfils when the instance is gone, by whatever cause, and its remains are swept. */
  readonly gone: Promise<void>;
  /** The last lines of its output, oldest first. */
  readTail(lines: number): Promise<string[]>;
}

/** Runs instances: on this machine through shim and bubblewrap, or elsewhere. */
export interface Engine {
  /** Starts; resolves as soon as the shim stands, long before the app is ready. */
  start(wish: InstanceWish): Promise<Instance>;
  /** Finds again what an earlier daemon left running; undefined when it is gone (and swept). */
  adopt(id: string): Promise<Instance | undefined>;
  /** Ids of everything that has a folder, running or not. */
  list(): Promise<readonly string[]>;
  /** Lets go of all instances without stopping them. */
  close(): Promise<void>;
}

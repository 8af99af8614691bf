import type { Readable, Writable } from "node:stream";
import type { AppConfig, ShimStatus, WorkerView } from "@bloomery/contract";

/** Where nginx reaches an instance. A tcp app has the first of its ports here, or 0 when none is known. */
export type InstanceAddress =
  | { readonly kind: "tcp"; readonly address: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** A writable folder of the app, as `run/volumes` prepared it. */
export interface PreparedMount {
  /** Below `/app`, without slashes at its ends. */
  readonly path: string;
  /** The folder on the host; belongs to the app's user. Null: the engine makes one that ends with the instance. */
  readonly source: string | null;
}

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
  readonly mounts: readonly PreparedMount[];
  /** The complete environment of the process except PORT or SOCKET, which the engine decides. */
  readonly env: Readonly<Record<string, string>>;
  /** The text of /run/config.json. */
  readonly runtimeDocument: string;
}

export interface TerminalSize {
  readonly rows: number;
  readonly cols: number;
}

/** A command to run inside an instance, or in a sandbox of its own. */
export interface CommandOrder {
  readonly command: readonly string[];
  /** Added to the environment of the release; `.environment` is read before the command starts. */
  readonly env: Readonly<Record<string, string>>;
  readonly tty: TerminalSize | null;
}

/** A command that runs. With a terminal everything arrives on `stdout`. */
export interface RunningCommand {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  resize(size: TerminalSize): void;
  /** `TERM`, `INT` …, to the command's whole process group. */
  signal(name: string): void;
  /** Fulfils after the output has ended. A command ended by a signal has 128 + its number as code. */
  readonly exit: Promise<{ readonly code: number; readonly signal: string | null }>;
}

/** One command in a sandbox of its own that has the app's user and nothing but these folders: for moving files. */
export interface ToolWish {
  readonly id: string;
  readonly appSlot: number;
  /** Host folders, by their absolute path inside. */
  readonly mounts: readonly {
    readonly source: string;
    readonly target: string;
    readonly writable: boolean;
  }[];
  readonly command: readonly string[];
}

/** One running process tree, wherever it runs. */
export interface Instance {
  readonly id: string;
  readonly environmentId: string;
  readonly releaseId: string;
  readonly role: string;
  readonly replica: number;
  readonly address: InstanceAddress;
  /** Of a tcp app: the ports it was found to listen on, ascending, when it became ready. */
  readonly listens: readonly number[];
  /** Bytes of memory it may use; absent where that is not known any more. */
  readonly memoryBytes?: number;
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
  /**
   * Lets clients come to further ports of a tcp app; for those that were found out. They stay open for its life. Throws
   * ERR_INSTANCE_LOST when it is gone.
   */
  openPorts(ports: readonly number[]): Promise<void>;
  /** The last lines of its output, oldest first. */
  readTail(lines: number): Promise<string[]>;
  /** The workers of a prefork app; null where there are none, or where their host does not say in time. */
  readWorkers(): Promise<readonly WorkerView[] | null>;
  /** Runs a further command inside. Throws ERR_INSTANCE_LOST when no process of it runs. */
  enter(order: CommandOrder): Promise<RunningCommand>;
}

/** Runs instances: on this machine through shim and bubblewrap, or elsewhere. */
export interface Engine {
  /** An id for an instance that is started next; of an app that is waited for it gets what was made ready for such. */
  nextId(waitedFor: AppConfig | null): string;
  /** Starts; resolves as soon as the shim stands, long before the app is ready. */
  start(wish: InstanceWish): Promise<Instance>;
  /** Finds again what an earlier daemon left running; undefined when it is gone (and swept). */
  adopt(id: string): Promise<Instance | undefined>;
  /** Ends what runs although nobody knows it any more, such as after a database was restored; false: nothing did. */
  endStray(id: string): Promise<boolean>;
  runTool(wish: ToolWish): Promise<RunningCommand>;
  /** Ids of everything that has a folder, running or not. */
  list(): Promise<readonly string[]>;
  /** Lets go of all instances without stopping them. */
  close(): Promise<void>;
}

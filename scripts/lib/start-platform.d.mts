export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs commands as somebody else. */
export interface Disguise {
  readonly uid: number;
  /** The argument list that runs `argv` as that user. */
  wrap(argv: readonly string[]): readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface StartedPlatform {
  readonly home: string;
  readonly apiPort: number;
  readonly httpPort: number;
  readonly env: NodeJS.ProcessEnv;
  /** Program and arguments of `bloom ARGS`. */
  argv(args: readonly string[]): [string, string[]];
  /** Runs `bloom ARGS`; never throws for an exit code. */
  bloom(...args: string[]): Promise<CommandResult>;
  /** Runs `bloom ARGS --json`, expects exit 0 and parses the document. */
  json<T>(...args: string[]): Promise<T>;
  daemonPid(): Promise<number>;
  /** Starts the daemon again after it was killed. */
  start(...flags: string[]): Promise<void>;
  /** Stops everything and removes the home. */
  stop(): Promise<void>;
}

export function startPlatform(wish: {
  /** Of the home's name. */
  readonly prefix: string;
  readonly flags?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly disguise?: Disguise | undefined;
}): Promise<StartedPlatform>;

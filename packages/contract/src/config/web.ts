export interface WebConfig {
  /** A `sh` command line run in `/app`; stays in the foreground. */
  readonly start: string;
  /** Run in each instance before `start`; `start` waits for it. */
  readonly preStart: string | null;
  /** Run beside `start`; the instance is ready only when it has ended well. */
  readonly postStart: string | null;
  readonly upstream: UpstreamConfig;
  /**
   * Path prefix → location. Keys begin with `/` and, except `/` itself, do not end with one. `/` is always present.
   */
  readonly locations: Readonly<Record<string, LocationConfig>>;
  readonly ready: ReadyConfig;
  /** The port the app is told in PORT; without meaning when it listens on a socket. */
  readonly port: number;
  /** Seconds from TERM to KILL. */
  readonly graceSeconds: number;
  /** Seconds an old instance may finish its connections after a switch. */
  readonly drainSeconds: number;
  readonly timeouts: TimeoutsConfig;
}

export interface UpstreamConfig {
  /** `tcp`: the app listens on PORT; `unix`: on the path in SOCKET. */
  readonly socketFamily: "tcp" | "unix";
}

/** What the proxy waits for, in seconds. */
export interface TimeoutsConfig {
  readonly connectSeconds: number;
  /** Between two reads of the app's answer. */
  readonly readSeconds: number;
  /** Between two writes of the request to the app. */
  readonly sendSeconds: number;
  /** The same two for upgraded connections and event streams. */
  readonly streamSeconds: number;
}

/** What locations and rules have in common. */
export interface LocationBehaviour {
  /** True: to the app. A text: the address the request is led to inside, may hold `$name` of a rule's captures. */
  readonly passthru: boolean | string;
  /** Whether files may be served. */
  readonly allow: boolean;
  /** Seconds clients may keep static files; -1: not at all. */
  readonly expiresSeconds: number;
  /** Only on static files. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface LocationConfig extends LocationBehaviour {
  /**
   * Folder below `/app` that stands for this prefix, without slashes at its ends ("" is `/app` itself). Null: none
   * is written here, and that of the nearest location above is used with the whole path below it.
   */
  readonly root: string | null;
  /** Files to try when a folder is asked for, in order. */
  readonly index: readonly string[];
  /** In the order of the manifest; the first that matches decides. */
  readonly rules: readonly RuleConfig[];
  readonly requestBuffering: RequestBufferingConfig;
}

/** A rule's own keys; those it leaves out are the location's. */
export interface RuleConfig extends Partial<LocationBehaviour> {
  /** PCRE over the whole request path, unanchored, case-sensitive. */
  readonly pattern: string;
}

export interface RequestBufferingConfig {
  /** False: the app sees the body as it comes. */
  readonly enabled: boolean;
  /** Bytes; larger bodies are answered with 413. */
  readonly maxBodyBytes: number;
}

export interface ReadyConfig {
  /** Null: ready when a connection is accepted. */
  readonly path: string | null;
  readonly timeoutSeconds: number;
}

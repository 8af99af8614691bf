/**
 * The resolved configuration of one app: what the manifest said, defaults filled in, names decided.
 * Frozen; stored with each version. Manifest text never travels further than `config/` in the daemon.
 */
export interface AppConfig {
  readonly name: string;
  readonly shape: "web";
  /** Which file decided the shape, and why, in words for the user. */
  readonly detected: string;
  readonly toolchain: ToolchainWish;
  readonly build: BuildConfig;
  readonly web: WebConfig;
  /** `variables.env` of the manifest and `[env]`: plain environment variables, lowest precedence. */
  readonly variables: Readonly<Record<string, string>>;
  readonly limits: LimitsConfig;
  readonly replicas: number;
  /** Megabytes (10^6 bytes) asked for in `disk`; accepted without mounts. */
  readonly diskMb: number | null;
  readonly network: "outbound" | "none" | "host";
}

/** The toolchain the project asks for; `channel` null means the default one. */
export interface ToolchainWish {
  /** `1.68`, `1` (any 1.x), `stable`, `nightly-2026-01-01` … */
  readonly channel: string | null;
  readonly source: "rust-toolchain" | "bloom.toml" | "type" | "default";
}

export interface BuildConfig {
  /** The build hook: one `sh` script with cwd `/app`. Null: plain `cargo build`. */
  readonly hook: string | null;
  /** Plain cargo build, used when `hook` is null. */
  readonly cargo: CargoConfig;
}

export interface CargoConfig {
  readonly profile: string;
  readonly features: readonly string[];
  readonly package: string | null;
  readonly bin: string | null;
  readonly target: string | null;
}

export interface WebConfig {
  /** A `sh` command line run in `/app`; null when there is none and cargo's only binary is to be started. */
  readonly start: string;
  readonly upstream: { readonly socketFamily: "tcp" | "unix" };
  /** Path prefix → location, `/` always present. */
  readonly locations: Readonly<Record<string, LocationConfig>>;
  readonly ready: ReadyConfig;
  /** The port the app is told in PORT. */
  readonly port: number;
  /** Seconds from TERM to KILL. */
  readonly graceSeconds: number;
  /** Seconds an old instance may finish its connections after a switch. */
  readonly drainSeconds: number;
}

export interface LocationConfig {
  /** Folder below the app's root that backs this prefix; null: nothing static. */
  readonly root: string | null;
  readonly passthru: boolean;
  readonly allow: boolean;
}

export interface ReadyConfig {
  /** Null: ready when a TCP connect succeeds. */
  readonly path: string | null;
  readonly timeoutSeconds: number;
}

export interface LimitsConfig {
  /** Bytes. */
  readonly memoryBytes: number;
  /** Cores, may be a fraction. */
  readonly cpu: number;
  readonly pids: number;
  /** Seconds the app may leave a request unanswered; absent: the proxy's own limit. */
  readonly timeoutSeconds?: number;
}

/** One remark about a project file. Errors stop a deploy, warnings are printed. */
export interface Problem {
  readonly severity: "error" | "warning";
  /** Relative to the project's root. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly column: number;
  /** `web.locations./.passthru`; empty for the whole file. */
  readonly path: string;
  /** What is wrong, and what to write instead. */
  readonly message: string;
  /** Set when the problem is about the shape; ERR_MANIFEST_INVALID otherwise. */
  readonly code?: "ERR_SHAPE_UNKNOWN" | "ERR_SHAPE_UNSUPPORTED";
}

/** `file:line:column path: message`, the form compilers use; a warning says so after the place. */
export function formatProblem({ severity, file, line, column, path, message }: Problem): string {
  const marks = `${severity === "warning" ? " warning:" : ""}${path === "" ? "" : ` ${path}:`}`;
  return `${file}:${line}:${column}${marks === "" ? ":" : marks} ${message}`;
}

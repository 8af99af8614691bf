import type { FunctionConfig } from "./function.js";
import type { MountConfig } from "./mounts.js";
import type { JsonValue } from "./json.js";
import type { OutboundRule } from "./outbound.js";
import type { PreforkConfig } from "./prefork.js";
import type { SleepConfig } from "./sleep.js";
import type { TcpConfig } from "./tcp.js";
import type { WebConfig } from "./web.js";

/**
 * The resolved configuration of one app: what the manifest said, defaults filled in, names decided.
 * Frozen; stored with each version. Manifest text never travels further than `config/` in the daemon.
 */
export interface AppConfig {
  readonly name: string;
  readonly shape: AppShape;
  /** Which file decided the shape, and why, in words for the user. */
  readonly detected: string;
  /** The app's folder in the uploaded tree, without slashes at its ends; "" is the tree itself. It becomes `/app`. */
  readonly sourceRoot: string;
  readonly toolchain: ToolchainWish;
  readonly build: BuildConfig;
  /** How it is started, reached and ended; a function and a prefork app have what the platform decides, and of a tcp app only how it is started and ended counts. */
  readonly web: WebConfig;
  /** Null for every other shape. */
  readonly function: FunctionConfig | null;
  /** Null for every other shape. */
  readonly prefork: PreforkConfig | null;
  /** Null for every other shape. */
  readonly tcp: TcpConfig | null;
  readonly hooks: HooksConfig;
  readonly deploy: DeployConfig;
  /** By path below `/app`, without slashes at its ends. */
  readonly mounts: Readonly<Record<string, MountConfig>>;
  /** `variables.env` of the manifest and `[env]`: plain environment variables, lowest precedence. */
  readonly variables: Readonly<Record<string, string>>;
  /** All other variables of the manifest, as `prefix:name`; they are found in PLATFORM_VARIABLES. */
  readonly platformVariables: Readonly<Record<string, JsonValue>>;
  readonly limits: LimitsConfig;
  readonly replicas: number;
  /** Null: all replicas run at all times; a function has its own rules. */
  readonly sleep: SleepConfig | null;
  /** Megabytes (10^6 bytes) of the volume behind the persistent mounts; null: as much as there is. */
  readonly diskMb: number | null;
  readonly network: "outbound" | "none" | "host";
  /** With `network` outbound: the only places instances may connect to; null: every one outside of the platform. */
  readonly outbound: readonly OutboundRule[] | null;
  /** Host name → address: lines of the sandbox's /etc/hosts. */
  readonly additionalHosts: Readonly<Record<string, string>>;
  /** TZ database name for cron times; the processes themselves stay in UTC. */
  readonly timezone: string | null;
  /** Smallest role that may open a shell in the app, in the manifest's words. */
  readonly access: { readonly ssh: "viewer" | "contributor" | "admin" };
  /** The manifest as the app finds it in PLATFORM_APPLICATION: normalised, defaults filled in, its own words. */
  readonly document: Readonly<Record<string, JsonValue>>;
}

/** The shapes an app can have. */
export type AppShape = "web" | "function" | "prefork" | "tcp";

/** The toolchain the project asks for; `channel` null means the default one. */
export interface ToolchainWish {
  /** `1.68`, `1` (any 1.x), `stable`, `nightly-2026-01-01` … */
  readonly channel: string | null;
  readonly source: "rust-toolchain" | "bloom.toml" | "type" | "default" | "platform";
}

export interface BuildConfig {
  /** The build hook: one `sh` script with cwd `/app`. Null: plain `cargo build`. */
  readonly hook: string | null;
  /** Plain cargo build, used when `hook` is null. */
  readonly cargo: CargoConfig;
  /** By name: folders kept from build to build. */
  readonly caches: Readonly<Record<string, BuildCacheConfig>>;
  /** Seconds one build may take; null: the daemon's own limit. */
  readonly timeoutSeconds: number | null;
}

export interface CargoConfig {
  readonly profile: string;
  readonly features: readonly string[];
  readonly package: string | null;
  readonly bin: string | null;
  readonly target: string | null;
}

/** One entry of `build.caches`. */
export interface BuildCacheConfig {
  /** Below `/app`, without slashes at its ends. */
  readonly directory: string;
  /** Files below `/app` whose content decides whether the cache is the same. */
  readonly watch: readonly string[];
  /** Whether the newest cache is used when none was made for these very files. */
  readonly allowStale: boolean;
  readonly shareBetweenApps: boolean;
}

/** Scripts for `sh` in `/app`, run once for each deployment; null when there is none. */
export interface HooksConfig {
  readonly deploy: string | null;
  readonly postDeploy: string | null;
}

export interface DeployConfig {
  /** `rolling`: new beside old. `stopstart`: old ends before new begins, and requests wait meanwhile. */
  readonly strategy: "rolling" | "stopstart";
  /** Why, in words for the user. */
  readonly strategyReason: string;
  /** After a failed `deploy` hook: the old version keeps serving, or the new one goes live all the same. */
  readonly onHookFailure: "keep_old" | "go_live";
  /** Longest time a request is held during a stop-start deployment. */
  readonly holdSeconds: number;
}

export interface LimitsConfig {
  /** Bytes. */
  readonly memoryBytes: number;
  /** Cores, may be a fraction. */
  readonly cpu: number;
  readonly pids: number;
  /** Bytes of /tmp. */
  readonly tmpBytes: number;
}

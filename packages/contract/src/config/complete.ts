import { manifestDefaults as defaults } from "../manifest/defaults.js";
import type { AppConfig } from "./app-config.js";
import { functionDefaults, type FunctionConfig } from "./function.js";
import { preforkDefaults, type PreforkConfig } from "./prefork.js";
import { completeTcpPort, type TcpPortConfig } from "./tcp.js";
import type { LocationConfig, WebConfig } from "./web.js";

/** A config in which keys may be missing: written by an older daemon, or short in a test. */
export type PartialConfig = Partial<
  Omit<AppConfig, "shape" | "web" | "function" | "prefork" | "tcp" | "build" | "limits" | "deploy">
> & {
  readonly web: Partial<Omit<WebConfig, "locations">> & {
    readonly start: string;
    readonly locations?: Readonly<Record<string, Partial<LocationConfig>>>;
  };
  readonly function?: Partial<FunctionConfig> | null;
  readonly prefork?: Partial<PreforkConfig> | null;
  readonly tcp?: {
    readonly ports?: readonly (Partial<TcpPortConfig> & Pick<TcpPortConfig, "port">)[];
  } | null;
  readonly build?: Partial<AppConfig["build"]>;
  readonly limits?: Partial<AppConfig["limits"]>;
  readonly deploy?: Partial<AppConfig["deploy"]>;
};

/**
 * Fills in what is missing with what holds when a manifest says nothing. Versions are kept for ever, so a daemon
 * finds configs of every daemon before it.
 */
export function completeConfig(part: PartialConfig): AppConfig {
  const name = part.name ?? "app";
  const { function: own = null, prefork = null, tcp = null } = part;
  return {
    name,
    shape: tcp !== null ? "tcp" : prefork !== null ? "prefork" : own === null ? "web" : "function",
    detected: part.detected ?? "",
    sourceRoot: part.sourceRoot ?? "",
    toolchain: part.toolchain ?? { channel: null, source: "default" },
    build: {
      hook: null,
      caches: {},
      timeoutSeconds: null,
      ...part.build,
      cargo: part.build?.cargo ?? {
        profile: defaults.profile,
        features: [],
        package: null,
        bin: null,
        target: null,
      },
    },
    web: completeWeb(part.web),
    function: own === null ? null : { ...functionDefaults, ...own },
    prefork: prefork === null ? null : { ...preforkDefaults, ...prefork },
    tcp: tcp === null ? null : { ports: (tcp.ports ?? []).map(completeTcpPort) },
    hooks: part.hooks ?? { deploy: null, postDeploy: null },
    deploy: {
      strategy: "rolling",
      strategyReason: "the default",
      onHookFailure: defaults.onHookFailure,
      holdSeconds: defaults.holdSeconds,
      ...part.deploy,
    },
    mounts: part.mounts ?? {},
    variables: part.variables ?? {},
    platformVariables: part.platformVariables ?? {},
    limits: {
      memoryBytes: defaults.memoryBytes,
      cpu: defaults.cpu,
      pids: defaults.pids,
      tmpBytes: defaults.tmpBytes,
      ...part.limits,
    },
    replicas: part.replicas ?? defaults.replicas,
    sleep: part.sleep ?? null,
    diskMb: part.diskMb ?? null,
    network: part.network ?? defaults.network,
    outbound: part.outbound ?? null,
    additionalHosts: part.additionalHosts ?? {},
    timezone: part.timezone ?? null,
    access: part.access ?? { ssh: "contributor" },
    document: part.document ?? { name },
  };
}

function completeWeb(part: PartialConfig["web"]): WebConfig {
  const locations = Object.entries(part.locations ?? { "/": {} });
  return {
    preStart: null,
    postStart: null,
    upstream: { socketFamily: "tcp" },
    ready: { path: null, timeoutSeconds: defaults.readyTimeoutSeconds },
    port: defaults.port,
    graceSeconds: defaults.graceSeconds,
    drainSeconds: defaults.drainSeconds,
    ...part,
    timeouts: { ...defaults.timeouts, ...part.timeouts },
    locations: Object.fromEntries(locations.map(([path, location]) => [path, completeLocation(location)])),
  };
}

/** One location as it is when only these keys are written. */
export function completeLocation(part: Partial<LocationConfig>): LocationConfig {
  return {
    root: null,
    passthru: true,
    allow: true,
    expiresSeconds: -1,
    headers: {},
    index: [],
    rules: [],
    ...part,
    requestBuffering: {
      enabled: true,
      maxBodyBytes: defaults.maxBodyBytes,
      ...part.requestBuffering,
    },
  };
}

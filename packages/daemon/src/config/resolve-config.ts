import {
  manifestDefaults as defaults,
  parseByteSize,
  type AppConfig,
  type LimitsConfig,
  type Problem,
  type WebConfig,
} from "@bloomery/contract";
import type { LoadConfigOptions, ProjectParts } from "./parts.js";
import { resolveBuild } from "./resolve-build.js";
import { resolveLocations } from "./resolve-locations.js";
import { resolveName } from "./resolve-name.js";
import { resolveStart } from "./resolve-start.js";
import { resolveToolchain } from "./resolve-toolchain.js";
import { resolveVariables } from "./resolve-variables.js";

/** The config, as far as the files allow it. */
export interface ResolvedConfig {
  /** Null when there is nothing to start. */
  readonly config: AppConfig | null;
  readonly problems: readonly Problem[];
}

/** Joins what the files say into the config of a web app: bloom.toml before .platform.app.yaml before defaults. */
export function resolveConfig(
  parts: ProjectParts,
  detected: string,
  options: LoadConfigOptions,
): ResolvedConfig {
  const { toml, yaml } = parts;
  const name = resolveName(parts, options);
  const build = resolveBuild(parts);
  const start = resolveStart(parts, build.build);
  const locations = resolveLocations(yaml);
  const variables = resolveVariables(parts);
  const problems = [name, build, start, locations, variables].flatMap((part) => part.problems);
  if (start.start === null) return { config: null, problems };
  const config: AppConfig = {
    name: name.name,
    shape: "web",
    detected,
    toolchain: resolveToolchain(parts),
    build: build.build,
    web: resolveWeb(parts, start.start, locations.locations),
    variables: variables.variables,
    limits: resolveLimits(parts),
    replicas: toml.data.run?.replicas ?? defaults.replicas,
    diskMb: yaml.data.disk ?? null,
    network: toml.data.run?.network ?? defaults.network,
  };
  return { config, problems };
}

function resolveWeb({ toml }: ProjectParts, start: string, locations: WebConfig["locations"]): WebConfig {
  const { run = {}, ready = {} } = toml.data;
  return {
    start,
    // A unix socket is accepted in the manifest and used in a later release.
    upstream: { socketFamily: "tcp" },
    locations,
    ready: {
      path: ready.path ?? null,
      timeoutSeconds: ready.timeout_seconds ?? defaults.readyTimeoutSeconds,
    },
    port: run.port ?? defaults.port,
    graceSeconds: run.grace_seconds ?? defaults.graceSeconds,
    drainSeconds: run.drain_seconds ?? defaults.drainSeconds,
  };
}

function resolveLimits({ toml }: ProjectParts): LimitsConfig {
  const limits = toml.data.limits ?? {};
  return {
    memoryBytes:
      limits.memory === undefined
        ? defaults.memoryBytes
        : (parseByteSize(limits.memory) ?? defaults.memoryBytes),
    cpu: limits.cpu ?? defaults.cpu,
    pids: limits.pids ?? defaults.pids,
    ...(limits.timeout_seconds === undefined ? {} : { timeoutSeconds: limits.timeout_seconds }),
  };
}

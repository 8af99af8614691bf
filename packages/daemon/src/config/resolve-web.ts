import {
  manifestDefaults as defaults,
  type LocationConfig,
  type Problem,
  type WebConfig,
} from "@bloomery/contract";
import { manifestProblem } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";

interface Resolved {
  readonly web: WebConfig;
  readonly problems: readonly Problem[];
}

/** How the app is started and reached. */
export function resolveWeb(
  parts: ProjectParts,
  start: string,
  locations: Readonly<Record<string, LocationConfig>>,
): Resolved {
  const { toml, yaml } = parts;
  const { run = {}, ready = {}, http = {} } = toml.data;
  const { commands = {}, upstream = {} } = yaml.data.web ?? {};
  const { timeouts = {} } = http;
  const web: WebConfig = {
    start,
    preStart: (run.pre_start ?? commands.pre_start)?.trim() ?? null,
    postStart: (run.post_start ?? commands.post_start)?.trim() ?? null,
    upstream: { socketFamily: run.socket_family ?? upstream.socket_family ?? "tcp" },
    locations,
    ready: {
      path: ready.path ?? null,
      timeoutSeconds: ready.timeout_seconds ?? defaults.readyTimeoutSeconds,
    },
    port: run.port ?? defaults.port,
    graceSeconds: run.grace_seconds ?? defaults.graceSeconds,
    drainSeconds: run.drain_seconds ?? defaults.drainSeconds,
    timeouts: {
      connectSeconds: timeouts.connect_seconds ?? defaults.timeouts.connectSeconds,
      readSeconds:
        timeouts.read_seconds ?? toml.data.limits?.timeout_seconds ?? defaults.timeouts.readSeconds,
      sendSeconds: timeouts.send_seconds ?? defaults.timeouts.sendSeconds,
      streamSeconds: timeouts.stream_seconds ?? defaults.timeouts.streamSeconds,
    },
  };
  return { web, problems: checkTimeouts(parts) };
}

/** Two keys for one thing must not contradict each other. */
function checkTimeouts({ toml }: ProjectParts): Problem[] {
  const read = toml.data.http?.timeouts?.read_seconds;
  const limit = toml.data.limits?.timeout_seconds;
  if (read === undefined || limit === undefined || read === limit) return [];
  const message = `this and read_seconds of [http.timeouts] (${read}) are the same limit; keep one of them`;
  return [manifestProblem(toml, "error", ["limits", "timeout_seconds"], message)];
}

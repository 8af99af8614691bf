import { completeLocation, manifestDefaults, tcpPortDefaults } from "@bloomery/contract";
import { checkTcpKeys } from "./check-shape-keys.js";
import type { LoadConfigOptions, ProjectParts } from "./parts.js";
import { checkCargo, planNoCargo, resolveBuild, resolveHook } from "./resolve-build.js";
import { resolveAround, type ResolvedConfig } from "./resolve-config.js";
import { resolveStart } from "./resolve-start.js";
import { resolveTcp } from "./resolve-tcp.js";

/** The config of a tcp app: built and started like a web app, and reached through ports of its own. */
export function resolveTcpApp(
  parts: ProjectParts,
  detected: string,
  options: LoadConfigOptions,
): ResolvedConfig {
  const hook = resolveHook(parts);
  const { build, problems } = resolveBuild(parts, hook ?? planNoCargo(parts));
  const start = resolveStart(parts, build);
  const own = resolveTcp(parts, hook);
  const around = resolveAround(parts, detected, options, { build, start: start.start ?? "" });
  const all = [
    ...problems,
    ...checkCargo(parts),
    ...start.problems,
    ...own.problems,
    ...around.problems,
    ...checkTcpKeys(parts),
  ];
  if (start.start === null) return { config: null, problems: all };
  const { web } = around.config;
  const ofNoPort = parts.toml.data.run?.drain_seconds ?? tcpPortDefaults.drainSeconds;
  return {
    config: {
      ...around.config,
      shape: "tcp",
      tcp: own.tcp,
      web: {
        ...web,
        upstream: { socketFamily: "tcp" },
        locations: { "/": completeLocation({}) },
        port: manifestDefaults.port,
        ready: { ...web.ready, path: null },
        // An instance lasts as long as the connection that may last longest.
        drainSeconds: own.tcp.ports.length === 0 ? ofNoPort : longestDrain(own.tcp.ports),
      },
    },
    problems: all,
  };
}

function longestDrain(ports: readonly { readonly drainSeconds: number }[]): number {
  return Math.max(...ports.map(({ drainSeconds }) => drainSeconds));
}

import { checkPreforkKeys } from "./check-shape-keys.js";
import type { LoadConfigOptions, ProjectParts } from "./parts.js";
import { resolveBuild, resolveHook } from "./resolve-build.js";
import { resolveAround, type ResolvedConfig } from "./resolve-config.js";
import { resolvePrefork } from "./resolve-prefork.js";

/** The config of a prefork app: what a web app has around it, but how it is started and reached is the host's affair. */
export function resolvePreforkApp(
  parts: ProjectParts,
  detected: string,
  options: LoadConfigOptions,
): ResolvedConfig {
  const hook = resolveHook(parts);
  const { build, problems } = resolveBuild(parts, hook);
  const own = resolvePrefork(parts, hook);
  // A worker has its socket; a way out is for apps that say they need one.
  const around = resolveAround(parts, detected, options, { build, start: "", network: "none" });
  const all = [...problems, ...own.problems, ...around.problems, ...checkPreforkKeys(parts)];
  if (own.prefork === null) return { config: null, problems: all };
  const { web } = around.config;
  return {
    config: {
      ...around.config,
      shape: "prefork",
      prefork: own.prefork,
      web: { ...web, preStart: null, postStart: null, upstream: { socketFamily: "unix" } },
    },
    problems: all,
  };
}

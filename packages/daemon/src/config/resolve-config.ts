import {
  manifestDefaults as defaults,
  type AppConfig,
  type BuildConfig,
  type Problem,
} from "@bloomery/contract";
import { checkWebKeys } from "./check-shape-keys.js";
import { containerProperty } from "./container.js";
import { manifestProblem } from "./manifest-file.js";
import type { LoadConfigOptions, ProjectParts } from "./parts.js";
import { encodeDocument, fitsVariable } from "./platform-documents.js";
import { renderDocument } from "./render-document.js";
import { checkCargo, planNoCargo, resolveBuild, resolveHook } from "./resolve-build.js";
import { resolveDeploy, resolveHooks } from "./resolve-deploy.js";
import { resolveLimits } from "./resolve-limits.js";
import { resolveLocations } from "./resolve-locations.js";
import { resolveMounts } from "./resolve-mounts.js";
import { resolveName } from "./resolve-name.js";
import { resolveNetwork } from "./resolve-network.js";
import { resolveSleep } from "./resolve-sleep.js";
import { resolveStart } from "./resolve-start.js";
import { resolveSurroundings } from "./resolve-surroundings.js";
import { resolveToolchain } from "./resolve-toolchain.js";
import { resolveVariables } from "./resolve-variables.js";
import { resolveWeb } from "./resolve-web.js";

/** The config, as far as the files allow it. */
export interface ResolvedConfig {
  /** Null when there is nothing to start. */
  readonly config: AppConfig | null;
  readonly problems: readonly Problem[];
}

/** The config of a web app. */
export function resolveConfig(
  parts: ProjectParts,
  detected: string,
  options: LoadConfigOptions,
): ResolvedConfig {
  const { build, problems } = resolveBuild(parts, resolveHook(parts) ?? planNoCargo(parts));
  const start = resolveStart(parts, build);
  const around = resolveAround(parts, detected, options, { build, start: start.start ?? "" });
  const all = [
    ...problems,
    ...checkCargo(parts),
    ...start.problems,
    ...around.problems,
    ...checkWebKeys(parts),
  ];
  return { config: start.start === null ? null : around.config, problems: all };
}

/** What the shape decides. */
interface Around {
  readonly build: BuildConfig;
  readonly start: string;
  /** What instances reach when nothing is written; the platform's own default when it is left out. */
  readonly network?: AppConfig["network"];
}

/**
 * Joins what the files say of an app behind the proxy, whatever serves it: bloom.toml before .platform.app.yaml before
 * defaults.
 */
export function resolveAround(
  parts: ProjectParts,
  detected: string,
  options: LoadConfigOptions,
  { build, start, network: usual = defaults.network }: Around,
): { readonly config: AppConfig; readonly problems: readonly Problem[] } {
  const { toml, yaml } = parts;
  const name = resolveName(parts, options);
  const locations = resolveLocations(parts);
  const web = resolveWeb(parts, start, locations.locations);
  const variables = resolveVariables(parts);
  const mounts = resolveMounts(parts);
  const deploy = resolveDeploy(parts, mounts.mounts);
  const { problems: odd, ...surroundings } = resolveSurroundings(parts);
  const replicas = toml.data.run?.replicas ?? defaults.replicas;
  const sleep = resolveSleep(parts, replicas);
  const network = resolveNetwork(parts, usual);
  const steps = [name, locations, web, variables, mounts, deploy, sleep, network];
  const problems = [...steps.flatMap((step) => step.problems), ...odd];
  const config: Omit<AppConfig, "document"> = {
    name: name.name,
    shape: "web",
    function: null,
    prefork: null,
    tcp: null,
    detected,
    sourceRoot: parts.folder.root,
    toolchain: resolveToolchain(parts),
    build,
    web: web.web,
    hooks: resolveHooks(parts),
    deploy: deploy.deploy,
    mounts: mounts.mounts,
    variables: variables.variables,
    platformVariables: variables.platformVariables,
    limits: resolveLimits(parts),
    replicas,
    sleep: sleep.sleep,
    diskMb: containerProperty(yaml, "disk").value ?? null,
    network: network.network,
    outbound: network.outbound,
    ...surroundings,
  };
  const document = renderDocument(parts, config, locations.written);
  return { config: { ...config, document }, problems: [...problems, ...checkDocument(parts, document)] };
}

/** Variables have a size that Linux sets, and a manifest has none. */
function checkDocument({ yaml, toml }: ProjectParts, document: AppConfig["document"]): readonly Problem[] {
  if (fitsVariable("PLATFORM_APPLICATION", encodeDocument({ ...document }))) return [];
  const message =
    "the manifest is longer than a variable may be, so PLATFORM_APPLICATION leaves out the locations; /run/config.json has them all";
  return yaml.data.web?.locations === undefined
    ? [manifestProblem(toml, "warning", ["http", "locations"], message)]
    : [manifestProblem(yaml, "warning", ["web", "locations"], message)];
}

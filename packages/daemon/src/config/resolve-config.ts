import { manifestDefaults as defaults, type AppConfig, type Problem } from "@bloomery/contract";
import { checkWebKeys } from "./check-shape-keys.js";
import { containerProperty } from "./container.js";
import { manifestProblem } from "./manifest-file.js";
import type { LoadConfigOptions, ProjectParts } from "./parts.js";
import { encodeDocument, fitsVariable } from "./platform-documents.js";
import { renderDocument } from "./render-document.js";
import { resolveBuild } from "./resolve-build.js";
import { resolveDeploy, resolveHooks } from "./resolve-deploy.js";
import { resolveLimits } from "./resolve-limits.js";
import { resolveLocations } from "./resolve-locations.js";
import { resolveMounts } from "./resolve-mounts.js";
import { resolveName } from "./resolve-name.js";
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
  const locations = resolveLocations(parts);
  const web = resolveWeb(parts, start.start ?? "", locations.locations);
  const variables = resolveVariables(parts);
  const mounts = resolveMounts(parts);
  const deploy = resolveDeploy(parts, mounts.mounts);
  const { problems: odd, ...surroundings } = resolveSurroundings(parts);
  const steps = [name, build, start, locations, web, variables, mounts, deploy];
  const problems = [...steps.flatMap((step) => step.problems), ...odd, ...checkWebKeys(parts)];
  if (start.start === null) return { config: null, problems };
  const config: Omit<AppConfig, "document"> = {
    name: name.name,
    shape: "web",
    function: null,
    detected,
    sourceRoot: parts.folder.root,
    toolchain: resolveToolchain(parts),
    build: build.build,
    web: web.web,
    hooks: resolveHooks(parts),
    deploy: deploy.deploy,
    mounts: mounts.mounts,
    variables: variables.variables,
    platformVariables: variables.platformVariables,
    limits: resolveLimits(parts),
    replicas: toml.data.run?.replicas ?? defaults.replicas,
    diskMb: containerProperty(yaml, "disk").value ?? null,
    network: toml.data.run?.network ?? defaults.network,
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

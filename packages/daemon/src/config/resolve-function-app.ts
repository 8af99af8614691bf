import { completeConfig, manifestDefaults, type CargoConfig, type Problem } from "@bloomery/contract";
import { checkFunctionKeys } from "./check-shape-keys.js";
import type { LoadConfigOptions, ProjectParts } from "./parts.js";
import type { ResolvedConfig } from "./resolve-config.js";
import { resolveFunction } from "./resolve-function.js";
import { resolveLimits } from "./resolve-limits.js";
import { resolveName } from "./resolve-name.js";
import { resolveNetwork } from "./resolve-network.js";
import { resolveSurroundings } from "./resolve-surroundings.js";
import { resolveToolchain } from "./resolve-toolchain.js";
import { resolveVariables } from "./resolve-variables.js";
import { fileProblem } from "./source.js";

/** The proxy gives up after the function has had its time, so that its own answer comes first. */
const patienceSeconds = 5;

/** The config of a function. How it is started, reached and ended is the platform's affair. */
export function resolveFunctionApp(
  parts: ProjectParts,
  detected: string,
  options: LoadConfigOptions,
): ResolvedConfig {
  const { toml } = parts;
  const { run = {} } = toml.data;
  const name = resolveName(parts, options);
  const variables = resolveVariables(parts);
  const own = resolveFunction(parts);
  const { problems: odd, ...surroundings } = resolveSurroundings(parts);
  // An instance has its socket; a way out is for those that say they need one.
  const network = resolveNetwork(parts, "none");
  const config = completeConfig({
    name: name.name,
    detected,
    sourceRoot: parts.folder.root,
    toolchain: resolveToolchain(parts),
    build: { cargo: resolveCargo(parts), timeoutSeconds: toml.data.build?.timeout_seconds ?? null },
    web: {
      start: "",
      ...(run.grace_seconds === undefined ? {} : { graceSeconds: run.grace_seconds }),
      ...(run.drain_seconds === undefined ? {} : { drainSeconds: run.drain_seconds }),
      timeouts: {
        ...manifestDefaults.timeouts,
        readSeconds: own.function.timeoutSeconds + patienceSeconds,
      },
    },
    function: own.function,
    variables: variables.variables,
    platformVariables: variables.platformVariables,
    limits: resolveLimits(parts),
    network: network.network,
    outbound: network.outbound,
    ...surroundings,
  });
  const problems = [name, variables, own, network].flatMap((step) => step.problems);
  return { config, problems: [...problems, ...odd, ...checkFunctionKeys(parts), ...checkCrate(parts)] };
}

/** Which package and which binary, the code itself says when it is built. */
function resolveCargo({ toml }: ProjectParts): CargoConfig {
  const { profile = manifestDefaults.profile, features = [] } = toml.data.build ?? {};
  return { profile, features, package: null, bin: null, target: null };
}

function checkCrate({ cargo, folder }: ProjectParts): Problem[] {
  if (cargo.exists || cargo.isBroken) return [];
  const message =
    "a function is a crate and there is no Cargo.toml; `bloom init --shape function` writes one, with a handler";
  return [fileProblem(folder.inTree("Cargo.toml"), message)];
}

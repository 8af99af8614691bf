import {
  manifestDefaults as defaults,
  type DeployConfig,
  type HooksConfig,
  type MountConfig,
  type Problem,
} from "@bloomery/contract";
import { manifestProblem } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";
import { findExclusiveMount } from "./resolve-mounts.js";

interface Resolved {
  readonly deploy: DeployConfig;
  readonly problems: readonly Problem[];
}

/** How a new version takes over: as bloom.toml says, else as the mounts allow. */
export function resolveDeploy(
  { toml }: ProjectParts,
  mounts: Readonly<Record<string, MountConfig>>,
): Resolved {
  const written = toml.data.deploy ?? {};
  const exclusive = findExclusiveMount(mounts);
  const fits = exclusive === undefined ? "rolling" : "stopstart";
  const strategy = written.strategy ?? fits;
  const deploy: DeployConfig = {
    strategy,
    strategyReason: written.strategy === undefined ? reasonOf(exclusive) : `${toml.file} says so`,
    onHookFailure: written.on_hook_failure ?? defaults.onHookFailure,
    holdSeconds: written.hold_seconds ?? defaults.holdSeconds,
  };
  if (strategy === fits || strategy === "stopstart" || exclusive === undefined)
    return { deploy, problems: [] };
  const message = `with rolling, the old and the new version have the mount "${exclusive}" at the same time for a moment; write strategy = "stopstart" if they must not`;
  return { deploy, problems: [manifestProblem(toml, "warning", ["deploy", "strategy"], message)] };
}

/** `[hooks]` of bloom.toml, else `hooks` of the yaml. A blank script is none. */
export function resolveHooks({ toml, yaml }: ProjectParts): HooksConfig {
  return {
    deploy: scriptOf(toml.data.hooks?.deploy ?? yaml.data.hooks?.deploy),
    postDeploy: scriptOf(toml.data.hooks?.post_deploy ?? yaml.data.hooks?.post_deploy),
  };
}

function reasonOf(exclusive: string | undefined): string {
  return exclusive === undefined
    ? "no mount has to belong to one version alone"
    : `only one version at a time may write the mount "${exclusive}"`;
}

function scriptOf(script: string | undefined): string | null {
  return script === undefined || script.trim() === "" ? null : script;
}

import { BloomError, toBloomError, type AppConfig } from "@bloomery/contract";
import type { Instance } from "../../run/engines/engine.js";
import { enterPhase, type Walk } from "../walk.js";
import { hookLogFile, openHookLog, type HookName } from "./hook-log.js";
import type { HookPlan } from "./plan-hooks.js";
import { runHook } from "./run-hook.js";

export interface HookParts {
  /** The folder of all logs. */
  readonly logs: string;
}

/**
 * Runs the `deploy` hook in the first of the new instances, before they take traffic. True when there was one and it
 * succeeded. Its failure ends the deployment, unless the config lets the new version go live all the same.
 */
export async function runDeployHook(
  parts: HookParts,
  walk: Walk,
  facts: {
    readonly config: AppConfig;
    readonly hooks: HookPlan;
    readonly instances: readonly Instance[];
  },
): Promise<boolean> {
  const script = facts.hooks.deploy;
  const instance = choose(facts.instances);
  if (script === null || instance === undefined) return false;
  try {
    await run(parts, walk, instance, "deploy", script);
    return true;
  } catch (error) {
    if (walk.signal.aborted || facts.config.deploy.onHookFailure === "keep_old") throw error;
    walk.blame(goesOn(error, "the new version goes live all the same, as [deploy] on_hook_failure asks for"));
    return false;
  }
}

/** Runs the `post_deploy` hook, while the release serves already: its failure is the deployment's, not the release's. */
export async function runPostDeployHook(
  parts: HookParts,
  walk: Walk,
  facts: { readonly hooks: HookPlan; readonly instances: readonly Instance[] },
): Promise<void> {
  const script = facts.hooks.postDeploy;
  const instance = choose(facts.instances);
  if (script === null || instance === undefined) return;
  // A script without an end would keep the environment locked for ever.
  walk.allowCancel();
  try {
    await run(parts, walk, instance, "post_deploy", script);
  } catch (error) {
    walk.blame(goesOn(error, "the new version serves"));
  }
}

/** Always the first: hooks are for what is to happen once. */
function choose(instances: readonly Instance[]): Instance | undefined {
  return instances.find(({ role, replica }) => role === "web" && replica === 0) ?? instances[0];
}

async function run(
  parts: HookParts,
  walk: Walk,
  instance: Instance,
  name: HookName,
  script: string,
): Promise<void> {
  enterPhase(walk, name === "deploy" ? "deploy_hook" : "post_deploy_hook");
  const log = openHookLog(hookLogFile(parts.logs, instance.environmentId, name));
  try {
    await runHook(instance, {
      name,
      script,
      log,
      signal: walk.signal,
      onLine: (text) => walk.emit({ type: "log", source: "hook", text }),
    });
  } finally {
    const problem = await log.close();
    if (problem !== null) {
      const message = `the output of the ${name} hook could not be kept: ${problem.message}`;
      walk.emit({ type: "warning", message });
    }
  }
}

function goesOn(error: unknown, how: string): BloomError {
  const { code, message, hint, details } = toBloomError(error);
  return new BloomError(code, `${message}; ${how}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
  });
}

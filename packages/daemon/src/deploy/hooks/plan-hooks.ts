import type { DeploymentKind, HooksConfig } from "@bloomery/contract";

/** The scripts one deployment runs; null where it runs none. */
export type HookPlan = HooksConfig;

/**
 * Which hooks a deployment runs. `deploy` belongs to the version: it runs once for each, before the version takes
 * traffic, and again when an environment comes back to an older one. `post_deploy` belongs to the deployment. A
 * change of what runs (restart, start, scale) is none, so that no script of the user runs at night by itself.
 */
export function planHooks(facts: {
  readonly kind: DeploymentKind;
  readonly hooks: HooksConfig;
  readonly versionId: string;
  /** The version whose `deploy` hook was the last to succeed in this environment. */
  readonly hookedVersionId: string | null;
  /** False: their owner asked for none. */
  readonly isWanted: boolean;
}): HookPlan {
  const isDeployment = !["restart", "start", "scale"].includes(facts.kind);
  if (!isDeployment || !facts.isWanted) return { deploy: null, postDeploy: null };
  const isNew = facts.versionId !== facts.hookedVersionId;
  return { deploy: isNew ? facts.hooks.deploy : null, postDeploy: facts.hooks.postDeploy };
}

import {
  cargoVoice,
  planCargoEnvironment,
  planStep,
  type BuildStep,
  type StepSurroundings,
} from "../plan-build.js";
import { formatCargoBuild } from "./parse-cargo-build.js";
import type { TemplatePlan } from "./plan-template.js";

/**
 * Downloads the dependencies with network, then compiles them without. Nothing of any project runs in either step:
 * the job's folder holds manifests and sources without content, and no configuration of cargo.
 */
export function planTemplateSteps(surroundings: StepSurroundings, plan: TemplatePlan): BuildStep[] {
  const variables = { LANG: "C.UTF-8", ...cargoVoice, ...Object.fromEntries(plan.flavor.variables) };
  const step = (phase: BuildStep["phase"], title: string, command: readonly string[]): BuildStep => {
    const online = phase === "fetch";
    const env = { ...variables, ...planCargoEnvironment(surroundings.toolchainDir, online) };
    return planStep(surroundings, { phase, title, command, online, env, appFolder: "app" });
  };
  const build = ["cargo", "build", ...formatCargoBuild(plan.cargo), "--locked", "--offline"];
  return [
    step("fetch", "dependencies: cargo fetch --locked", ["cargo", "fetch", "--locked"]),
    step("compile", `dependencies: ${build.join(" ")}`, build),
  ];
}

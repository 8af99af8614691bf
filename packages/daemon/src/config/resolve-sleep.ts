import { defaultIdleSeconds, type Problem, type SleepConfig } from "@bloomery/contract";
import { isBroken, manifestProblem } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";

interface Resolved {
  /** Null: all instances run at all times. */
  readonly sleep: SleepConfig | null;
  readonly problems: readonly Problem[];
}

/** `min_replicas` and `idle_seconds` of all shapes but functions. */
export function resolveSleep({ toml }: ProjectParts, replicas: number): Resolved {
  const { min_replicas: minReplicas, idle_seconds: idleSeconds } = toml.data.run ?? {};
  const isUnclear = isBroken(toml, ["run", "min_replicas"]) || isBroken(toml, ["run", "replicas"]);
  if (isUnclear) return { sleep: null, problems: [] };
  if (minReplicas !== undefined && minReplicas > replicas) {
    const message = `there cannot be at least ${minReplicas} instances of ${replicas}; write replicas = ${minReplicas}, or a smaller number here`;
    return { sleep: null, problems: [manifestProblem(toml, "error", ["run", "min_replicas"], message)] };
  }
  if (minReplicas !== undefined && minReplicas < replicas)
    return { sleep: { minReplicas, idleSeconds: idleSeconds ?? defaultIdleSeconds }, problems: [] };
  if (idleSeconds === undefined) return { sleep: null, problems: [] };
  const why =
    minReplicas === undefined
      ? "nothing says that instances may end"
      : `min_replicas keeps all ${replicas} running`;
  const message = `this has no effect, because ${why}; write min_replicas = 0 to have the app sleep when nobody asks`;
  return {
    sleep: null,
    problems: [manifestProblem(toml, "warning", ["run", "idle_seconds"], message, "key")],
  };
}

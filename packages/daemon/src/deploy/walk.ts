import type { BloomError, DeploymentEvent, DeploymentState, DeployPhase, Timings } from "@bloomery/contract";

/** What one deployment works with while it walks the arrow. */
export interface Walk {
  readonly deployment: string;
  readonly signal: AbortSignal;
  emit(event: DeploymentEvent): void;
  enter(state: DeploymentState): Promise<void>;
  /** The switch is made and only the user's own script runs: that may be cancelled again. */
  allowCancel(): void;
  /** The phase has failed though the release is or goes live: the deployment keeps the error, and goes on. */
  blame(error: BloomError): void;
  readonly timings: { -readonly [K in keyof Timings]: Timings[K] };
}

export function enterPhase(walk: Pick<Walk, "emit">, phase: DeployPhase, detail?: string): void {
  const at = new Date().toISOString();
  walk.emit(detail === undefined ? { type: "phase", phase, at } : { type: "phase", phase, at, detail });
}

/** Runs `work` and adds its duration to one of the timings, also when it throws. */
export async function measure<T>(walk: Walk, key: keyof Timings, work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  try {
    return await work();
  } finally {
    walk.timings[key] += Math.round(performance.now() - begin);
  }
}

import type { AppConfig } from "@bloomery/contract";

/** Milliseconds an instance may take to finish what it has begun: an execution may take the time it was promised. */
export function drainTimeOf({ web, function: own }: AppConfig): number {
  return Math.max(web.drainSeconds, own?.timeoutSeconds ?? 0) * 1000;
}

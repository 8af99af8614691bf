import type { WorkerView } from "@bloomery/contract";
import type { WorkerStats } from "./parse-stats.js";

/** A process as the machine sees it. */
export interface HostProcess {
  readonly pid: number;
  readonly memoryBytes: number | null;
}

/** The grid of workers and threads. `processes`: by the pid that they have in their sandbox. `now`: milliseconds. */
export function planWorkers(
  stats: readonly WorkerStats[],
  processes: ReadonlyMap<number, HostProcess>,
  now: number,
): readonly WorkerView[] {
  return stats.map((worker) => {
    const process = worker.pid === 0 ? undefined : processes.get(worker.pid);
    const isThere = worker.pid !== 0;
    return {
      id: worker.id,
      pid: process?.pid ?? null,
      state: worker.status,
      accepting: worker.accepting,
      requests: worker.requests,
      memoryBytes: !isThere ? null : worker.rss > 0 ? worker.rss : (process?.memoryBytes ?? null),
      // A clock that was set back makes nobody younger than new.
      ageSeconds:
        isThere && worker.last_spawn > 0 ? Math.max(0, Math.floor(now / 1000) - worker.last_spawn) : null,
      threads: worker.cores.map(({ id, requests, in_request }) => ({
        core: id,
        state: in_request ? "busy" : "idle",
        requests,
      })),
    };
  });
}

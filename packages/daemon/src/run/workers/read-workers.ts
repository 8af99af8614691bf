import type { WorkerView } from "@bloomery/contract";
import { listInside } from "./list-inside.js";
import { parseStats } from "./parse-stats.js";
import { planWorkers } from "./plan-workers.js";
import { readStats } from "./read-stats.js";

/** What the host behind this socket tells of its workers, with pids as the machine sees them; null: nothing. */
export async function readWorkers(
  socket: string,
  hostPid: number | null,
  now: number,
): Promise<readonly WorkerView[] | null> {
  const text = await readStats(socket);
  const stats = text === null ? null : parseStats(text);
  if (stats === null) return null;
  return planWorkers(stats, hostPid === null ? new Map() : await listInside(hostPid), now);
}

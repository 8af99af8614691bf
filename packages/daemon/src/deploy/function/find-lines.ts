import type { LinesOf } from "../../observe/belongs-to.js";
import type { Store } from "../../store/open-store.js";

/** The shim notes the time of a line when it reads it, which may be a little after it was written. */
const slackMs = 20;

/** How the lines of an execution are told from others; of one that is not known or runs, only those that name it. */
export async function findLines(store: Store, environmentId: string, id: string): Promise<LinesOf> {
  const row = await store.executions.get(id);
  const nobody = { execution: id, alone: null };
  if (row?.environmentId !== environmentId || row.instanceId === null || row.finishedAt === null)
    return nobody;
  const to = new Date(Date.parse(row.finishedAt) + slackMs).toISOString();
  const time = { from: row.createdAt, to };
  if (await store.executions.hasOthers(row.instanceId, id, time)) return nobody;
  return { execution: id, alone: { instance: row.instanceId, ...time } };
}

import type { LinesOf } from "../../observe/belongs-to.js";
import type { LogFacts } from "../../observe/plan-log-series.js";
import type { Store } from "../../store/open-store.js";

/** The lines of an execution, and where it ran, as far as that is known. */
export interface FoundLines extends LinesOf {
  readonly ran: { readonly instance: string; readonly version: number } | null;
}

type LogOfInstance = LogFacts["instances"][number];

/** The shim notes the time of a line when it reads it, which may be a little after it was written. */
const slackMs = 20;

/** How the lines of an execution are told from others; of one that is not known or runs, only those that name it. */
export async function findLines(store: Store, environmentId: string, id: string): Promise<FoundLines> {
  const row = await store.executions.get(id);
  if (row?.environmentId !== environmentId || row.instanceId === null)
    return { execution: id, alone: null, ran: null };
  const ran = { instance: row.instanceId, version: row.version };
  const nobody = { execution: id, alone: null, ran };
  if (row.finishedAt === null) return nobody;
  const to = new Date(Date.parse(row.finishedAt) + slackMs).toISOString();
  const time = { from: row.createdAt, to };
  if (await store.executions.hasOthers(row.instanceId, id, time)) return nobody;
  return { execution: id, alone: { instance: row.instanceId, ...time }, ran };
}

/** These logs, and that of where the execution ran: a trial is an instance that no list has. */
export function addTrial(
  instances: readonly LogOfInstance[],
  own: FoundLines | undefined,
  instanceDir: (id: string) => string,
): readonly LogOfInstance[] {
  const ran = own?.ran ?? null;
  if (ran === null || instances.some(({ id }) => id === ran.instance)) return instances;
  const { instance: id, version } = ran;
  return [...instances, { id, version, role: "web", dir: instanceDir(id) }];
}

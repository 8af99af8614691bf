import type { InstanceView } from "@bloomery/contract";
import type { Instance } from "../run/engines/engine.js";
import { describeExit } from "../run/describe-exit.js";

/** Where an instance belongs, in names. */
export interface InstancePlace {
  readonly org: string;
  readonly app: string;
  readonly environment: string;
  readonly version: number;
}

/** One instance with fresh figures; an instance that just vanished answers with what was last known. */
export async function viewInstance(instance: Instance, place: InstancePlace): Promise<InstanceView> {
  const [status, workers] = await Promise.all([
    instance.refresh().catch(() => instance.status),
    instance.readWorkers(),
  ]);
  const { address } = instance;
  return {
    id: instance.id,
    ...place,
    role: instance.role,
    replica: instance.replica,
    state: status.state,
    pid: status.pid,
    restarts: status.restarts,
    startedAt: status.started_at === null ? null : toMilliseconds(status.started_at),
    memoryBytes: status.memory_bytes,
    connections: status.connections,
    address: address.kind === "tcp" ? `${address.address}:${address.port}` : address.path,
    lastExit: status.last_exit === null ? null : describeExit(status.last_exit, instance.memoryBytes),
    lastProbe: status.last_probe,
    workers: workers === null ? null : [...workers],
  };
}

function toMilliseconds(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? time : date.toISOString();
}

type Sorted = InstancePlace & Pick<InstanceView, "role" | "replica">;

/** As people look for them; a fleet knows them in the order in which they came. */
export function compareInstances(one: Sorted, other: Sorted): number {
  const keyOf = ({ org, app, environment, role }: Sorted): string => [org, app, environment, role].join("\0");
  const [a, b] = [keyOf(one), keyOf(other)];
  if (a !== b) return a < b ? -1 : 1;
  return one.version - other.version || one.replica - other.replica;
}

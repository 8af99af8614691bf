import { join } from "node:path";
import { BloomError, type ShimStatus } from "@bloomery/contract";
import type { ControlClient } from "../control-client.js";
import type { planInstanceFiles } from "../plan-instance-files.js";
import { readLastLines } from "../read-last-lines.js";
import { readWorkers } from "../workers/read-workers.js";
import type { CommandOrder, Instance, RunningCommand } from "./engine.js";
import { replaceRecord, type InstanceRecord } from "./instance-record.js";

export interface InstanceParts {
  readonly record: InstanceRecord;
  /** The connection to its shim. */
  readonly client: ControlClient;
  readonly files: ReturnType<typeof planInstanceFiles>;
  /** Fulfils after what it left has been swept: true; false when this daemon has let go of it before. */
  readonly ended: Promise<boolean>;
  readonly openPorts: (address: string, ports: readonly number[]) => Promise<void>;
  readonly enter: (order: CommandOrder) => Promise<RunningCommand>;
}

/** A process tree that has a shim, as the rest of the daemon knows it. */
export function asInstance({ record, client, files, ended, openPorts, enter }: InstanceParts): Instance {
  let ports = record.netnsPorts;
  // One that goes on beyond this daemon is never gone, or it would be forgotten and not found again.
  const gone = ended.then((isGone) => (isGone ? undefined : new Promise<undefined>(() => undefined)));
  return Object.freeze({
    id: record.id,
    environmentId: record.environmentId,
    releaseId: record.releaseId,
    role: record.role,
    replica: record.replica,
    address: record.address,
    ...(record.memoryBytes === undefined ? {} : { memoryBytes: record.memoryBytes }),
    get status(): ShimStatus {
      return client.status;
    },
    get listens(): readonly number[] {
      return client.status.listens;
    },
    refresh: () => client.refresh(),
    watchStatus: (listener: (status: ShimStatus) => void) => client.watchStatus(listener),
    async drain(limitMs: number) {
      await client.drain(limitMs).catch(ignoreLost);
      await ended;
    },
    async stop(graceMs: number | null) {
      await client.stop(graceMs).catch(ignoreLost);
      await ended;
    },
    gone,
    async openPorts(wanted: readonly number[]) {
      if (record.netnsAddress === null) return;
      await openPorts(record.netnsAddress, wanted);
      ports = [...new Set([...ports, ...wanted])];
      await replaceRecord(files.record, { ...record, netnsPorts: ports });
    },
    readTail: (lines: number) => readLastLines(join(files.log, "app.log"), lines),
    readWorkers: async () =>
      record.hasWorkers ? readWorkers(files.statsSocket, client.status.pid, Date.now()) : null,
    enter,
  });
}

/** The shim that is asked to end may be gone before it has answered. */
export function ignoreLost(error: unknown): void {
  if (!(error instanceof BloomError && error.code === "ERR_INSTANCE_LOST")) throw error;
}

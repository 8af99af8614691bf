import type { Instance } from "../../run/engines/engine.js";
import { machineAddress } from "../edge.js";

/** What tells whether somebody comes to an instance. */
export interface Signs {
  readonly connections: number;
  /** Differs from the one before when somebody has come in between; null: nobody can tell. */
  readonly mark: string | null;
}

/**
 * Reads them. nginx keeps a connection it has no use for a tenth of a second, so whoever is connected is somebody. Those
 * who have come and gone are counted by the shim, or where it has passed the socket on, by the host of the workers.
 */
export async function readSigns(instance: Instance): Promise<Signs> {
  const { connections, accepted } = await instance.refresh();
  if (accepted !== null) return { connections, mark: String(accepted) };
  const { address } = instance;
  // On the machine's own network nobody counts for one app who has come and gone: those who are there must do.
  if (address.kind === "tcp" && address.address === machineAddress) return { connections, mark: "" };
  const workers = await instance.readWorkers();
  // A worker that was replaced begins to count anew.
  const mark = workers?.map(({ pid, requests }) => `${pid} ${requests}`).join() ?? null;
  return { connections, mark };
}

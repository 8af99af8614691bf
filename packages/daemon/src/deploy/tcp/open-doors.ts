import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { openDoorman, type DoormanOptions } from "../../run/doorman/doorman.js";
import { planDoorFolder, type DoorPlan } from "../../run/doorman/plan-doorman.js";
import type { InstanceAddress } from "../../run/engines/engine.js";
import { needsStopStart } from "../../run/plan-tcp.js";
import { planPatience } from "../activation/plan-door.js";
import type { ServedEnvironment } from "../edge.js";
import { areLed } from "./plan-streams.js";

/** The doors of tcp apps: one for each public port, for whoever comes while nobody listens. */
export interface TcpDoors {
  /** The socket of a public port; null for apps that have none. */
  pathOf(environment: ServedEnvironment, port: number): string | null;
  /** The sockets of all ports that lead to this one of the app; without it of all. */
  pathsOf(environment: ServedEnvironment, targetPort?: number): readonly string[];
  /** Opens the doors of these environments, and closes all others; what was led goes on. */
  follow(served: readonly ServedEnvironment[]): Promise<void>;
  /** Lets go of the doorman: it goes on. */
  close(): Promise<void>;
  /** Ends it, and every connection it carries. */
  stop(): Promise<void>;
}

export interface TcpDoorsParts extends Omit<DoormanOptions, "protocol" | "answerLimitMs"> {
  /** True when instances can have addresses of their own. */
  readonly hasNetwork: boolean;
  /** Where an instance takes connections, woken when it has to be. */
  readonly reach: (environmentId: string, signal: AbortSignal) => Promise<InstanceAddress>;
}

/** So many wait at one door. */
const waitingLimit = 2000;

interface Door extends DoorPlan {
  readonly environmentId: string;
  readonly targetPort: number;
}

export async function openTcpDoors(parts: TcpDoorsParts): Promise<TcpDoors> {
  const { folder, reach } = parts;
  const has = (one: Pick<ServedEnvironment, "config">): boolean => hasDoors(one, parts.hasNetwork);
  const doorman = await openDoorman(parts);
  let known: ReadonlyMap<string, Door> = new Map();

  doorman.onKnock(async (id, signal) => {
    const door = known.get(id);
    if (door === undefined) throw new BloomError("ERR_APP_STOPPED", "this app was stopped");
    const address = await reach(door.environmentId, signal);
    return address.kind === "tcp" ? { ...address, port: door.targetPort } : address;
  });

  return {
    pathOf: (one, port) => (has(one) ? pathOf(folder, one, port) : null),
    pathsOf(one, targetPort) {
      const doors = has(one) ? planDoors(folder, one) : [];
      return doors
        .filter((door) => door.targetPort === (targetPort ?? door.targetPort))
        .map(({ path }) => path);
    },
    async follow(served) {
      const present = served.filter((one) => one.desired === "running" && has(one));
      const doors = present.flatMap((one) => planDoors(folder, one));
      known = new Map(doors.map((door) => [door.id, door]));
      await doorman.keep(doors);
    },
    close: () => doorman.close(),
    stop: () => doorman.stop(),
  };
}

/** Whether connections to a tcp app that find nobody are taken in: on the machine's own network only by ports that are led. */
export function hasDoors({ config }: Pick<ServedEnvironment, "config">, hasNetwork: boolean): boolean {
  return config.tcp !== null && (!needsStopStart(config, hasNetwork) || areLed(config.tcp));
}

function planDoors(folder: string, one: ServedEnvironment): readonly Door[] {
  return (one.config.tcp?.ports ?? []).map(({ port, targetPort }) => ({
    id: `${one.slot}-${port}`,
    path: pathOf(folder, one, port),
    waitMs: planPatience(one.config),
    limit: waitingLimit,
    environmentId: one.id,
    targetPort,
  }));
}

function pathOf(folder: string, { slot }: Pick<ServedEnvironment, "slot">, port: number): string {
  return join(planDoorFolder(folder), `${slot}-${port}.sock`);
}

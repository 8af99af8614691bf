import { BloomError } from "@bloomery/contract";
import type { ServedEnvironment } from "../edge.js";
import { openDoor, type Door, type DoorOptions } from "./open-door.js";
import type { Activation } from "../function/ports.js";

/** The doors of all functions that are to be reached. */
export interface Doors {
  /** Opens those that are missing, closes those of functions that are gone or stopped. */
  keep(functions: readonly ServedEnvironment[]): Promise<void>;
  close(): Promise<void>;
}

/** So many are opened at a time. */
const together = 50;

export function createDoors(
  parts: Pick<DoorOptions, "owner" | "waitMs" | "notes"> & {
    readonly pathOf: (environment: ServedEnvironment) => string;
    readonly limitOf: (environmentId: string) => number;
    readonly wake: Activation["wake"];
    readonly log: { warn(fields: object, text: string): void };
  },
): Doors {
  const open = new Map<string, Door>();
  let turn: Promise<void> = Promise.resolve();

  const openOne = async (environment: ServedEnvironment): Promise<void> => {
    const { id } = environment;
    try {
      const door = await openDoor({
        ...{ owner: parts.owner, waitMs: parts.waitMs, notes: parts.notes },
        path: parts.pathOf(environment),
        limit: () => parts.limitOf(id),
        wake: (signal, onStands) => parts.wake(id, signal, onStands),
      });
      open.set(id, door);
    } catch (err) {
      // One that cannot be woken must not keep the routes of all others from being applied.
      parts.log.warn({ err, environment: id }, "a function has no door");
    }
  };

  const keep = async (functions: readonly ServedEnvironment[]): Promise<void> => {
    const wanted = new Set(functions.map((one) => one.id));
    const stale = [...open].filter(([id]) => !wanted.has(id));
    for (const [id] of stale) open.delete(id);
    await Promise.all(stale.map(([, door]) => door.close(unreachable())));
    const missing = functions.filter((one) => !open.has(one.id));
    for (let index = 0; index < missing.length; index += together) {
      await Promise.all(missing.slice(index, index + together).map(openOne));
    }
  };

  /** In turn: two changes of routes at once must not open one door twice. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    turn = turn.catch(() => undefined).then(work);
    return turn;
  };

  return {
    keep: (functions) => inTurn(() => keep(functions)),
    close: () => inTurn(() => keep([])),
  };
}

function unreachable(): BloomError {
  return new BloomError("ERR_APP_STOPPED", "this function was stopped");
}

import { BloomError } from "@bloomery/contract";
import type { ServedEnvironment } from "../edge.js";
import { openDoor, type Door, type DoorOptions } from "./open-door.js";

/** The doors of all environments whose next request may find nobody. */
export interface Doors {
  /**
   * Opens those that are missing, closes all others. Who waits at one of these goes on waiting when it is one of
   * `present`, and is sent away when it is not.
   */
  keep(wanted: readonly ServedEnvironment[], present?: ReadonlySet<string>): Promise<void>;
  has(environmentId: string): boolean;
  close(): Promise<void>;
}

/** So many are opened at a time. */
const together = 50;

export function createDoors(parts: {
  readonly plan: (environment: ServedEnvironment) => DoorOptions;
  readonly log: { warn(fields: object, text: string): void };
}): Doors {
  const open = new Map<string, Door>();
  let turn: Promise<void> = Promise.resolve();

  const openOne = async (environment: ServedEnvironment): Promise<void> => {
    try {
      open.set(environment.id, await openDoor(parts.plan(environment)));
    } catch (err) {
      // One that cannot be woken must not keep the routes of all others from being applied.
      parts.log.warn({ err, environment: environment.id }, "an app has no door");
    }
  };

  const keep = async (
    environments: readonly ServedEnvironment[],
    present: ReadonlySet<string>,
  ): Promise<void> => {
    const wanted = new Set(environments.map((one) => one.id));
    const stale = [...open].filter(([id]) => !wanted.has(id));
    for (const [id] of stale) open.delete(id);
    await Promise.all(stale.map(([id, door]) => door.close(present.has(id) ? null : unreachable())));
    const missing = environments.filter((one) => !open.has(one.id));
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
    keep: (wanted, present = new Set()) => inTurn(() => keep(wanted, present)),
    has: (environmentId) => open.has(environmentId),
    close: () => inTurn(() => keep([], new Set())),
  };
}

function unreachable(): BloomError {
  return new BloomError("ERR_APP_STOPPED", "this was stopped");
}

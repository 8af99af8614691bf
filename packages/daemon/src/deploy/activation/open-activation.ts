import { BloomError, type AppConfig } from "@bloomery/contract";
import type { Instance, InstanceAddress } from "../../run/engines/engine.js";
import type { Edge, ServedEnvironment } from "../edge.js";
import type { Fleet } from "../fleet.js";
import { openFunctionScaling } from "../function/activation/open-scaling.js";
import { drainTimeOf } from "../function/drain-time.js";
import type { Pressure, StartNotes } from "../function/ports.js";
import type { Hold } from "../hold/open-hold.js";
import type { Owner } from "../hold/sockets.js";
import { planReplicas } from "../plan-replicas.js";
import type { ReleaseParts } from "../releases.js";
import { createChanges } from "./changes.js";
import { createDoors } from "./doors.js";
import { createHolding } from "./holding.js";
import { createOrders } from "./orders.js";
import { planDoor } from "./plan-door.js";
import type { Activation, Awake, Scaling, ScalingParts } from "./ports.js";
import { createShortfalls } from "./shortfalls.js";
import { readVersionNumber, startReplica } from "./start.js";
import { createWakes, type Start } from "./wakes.js";
import { watchRest } from "./watch-rest.js";

/** Everything that starts apps when somebody asks, and ends them when nobody does. */
export interface AppActivation extends Activation {
  /** Takes in which environments there are and shall be reached; called whenever routes change. */
  follow(served: readonly ServedEnvironment[]): Promise<void>;
  press(pressure: Pressure): void;
  /** The environments of which nothing runs until somebody comes. */
  asleep(): readonly string[];
  /** What will be started when somebody comes, who fell asleep last first. */
  expected(): readonly AppConfig[];
  /** Somebody has said so, and nobody has come since. */
  isPutToSleep(environmentId: string): boolean;
  /** Nothing of it runs, and nothing has to: it may do without, or somebody has put it to sleep. */
  isAtRest(environmentId: string): boolean;
  /**
   * Where an instance takes connections, woken when it has to be: for whoever leads connections there himself. Throws
   * what `wake` throws.
   */
  reach(environmentId: string, signal: AbortSignal): Promise<InstanceAddress>;
  /** Somebody has asked, and it is being started. */
  isWaking(environmentId: string): boolean;
  /** Those that run are too few, and no further one could be started. */
  isShort(environmentId: string): boolean;
  /** Whether requests that find nobody are let in here, so that a deployment need not see to them. */
  hasDoor(environmentId: string): boolean;
  /** Keeps everybody waiting who comes through the door, and starts nothing, until it is released. */
  hold(environmentId: string, limitMs: number): Promise<Hold>;
  /** Why the last start for an environment failed, also of one more beside those that run; null when it did not. */
  failureOf(environmentId: string): string | null;
  failing(): readonly string[];
  /** Lets nobody in any more; what runs goes on. */
  close(): Promise<void>;
}

export interface ActivationParts {
  readonly releases: ReleaseParts;
  readonly fleet: Fleet;
  readonly edge: Pick<Edge, "point">;
  /** Where nginx turns to when nobody serves the environment. */
  readonly holdPath: (environment: { readonly slot: number }) => string;
  readonly owner: Owner;
  readonly logFolder: (instance: string) => string;
  /** Brings the environment to the number of instances it shall have now. */
  readonly heal: (environmentId: string) => void;
  readonly notes: StartNotes;
  /** Whether somebody else takes in who finds nobody. */
  readonly hasOtherDoor: (environment: ServedEnvironment) => boolean;
  readonly log: { warn(fields: object, text: string): void };
}

export function openActivation(parts: ActivationParts): AppActivation {
  const { fleet, edge, releases, log } = parts;
  const { live } = fleet;
  const served = new Map<string, ServedEnvironment>();
  const versions = new Map<string, number>();
  const end = new AbortController();
  const starts = new Set<Promise<void>>();
  const orders = createOrders(releases);
  const holding = createHolding();
  const putToSleep = new Set<string>();
  const shortfalls = createShortfalls(live);
  /** When it changed last who serves an environment: who comes soon after may have been refused by nobody's fault. */
  const changes = createChanges();
  /** Those that finish what they have, of apps of which never two may run. */
  const leaving = new Map<string, Promise<unknown>>();

  const isFunction = (id: string): boolean => (served.get(id)?.config.function ?? null) !== null;
  const leastOf = (one: ServedEnvironment): number =>
    planReplicas({ web: one.replicas }, one.config).least["web"] ?? 0;
  const mayRest = (id: string): boolean => {
    const one = served.get(id);
    if (one === undefined) return false;
    const mayBySetting = (one.config.function ?? one.config.sleep) !== null;
    return (mayBySetting && leastOf(one) === 0) || putToSleep.has(id);
  };

  const start = (environmentId: string, replica: number): Start => {
    const begun = startReplica(
      {
        ...{ store: releases.store, orders, fleet, edge, log },
        ...{ signal: end.signal, before: leaving.get(environmentId) },
      },
      environmentId,
      replica,
    );
    const settled = Promise.allSettled([begun.ready, begun.placed]).then(() => void starts.delete(settled));
    starts.add(settled);
    shortfalls.follow(environmentId, begun.ready);
    begun.placed.then(
      () => {
        putToSleep.delete(environmentId);
        changes.note(environmentId);
        scalingOf(environmentId).begin(environmentId);
        scalingOf(environmentId).strain(environmentId);
        const one = served.get(environmentId);
        // An app that is awake has all its replicas; a function has what its requests need.
        const few = one === undefined || one.config.function === null ? (one?.replicas ?? 0) : leastOf(one);
        if (live(environmentId).length < few) parts.heal(environmentId);
      },
      () => undefined,
    );
    return begun;
  };

  /** `all`: somebody has said so. */
  const giveBack = async (environmentId: string, instances: readonly Instance[] | "all"): Promise<void> => {
    const one = served.get(environmentId);
    const gone = await fleet.inTurn(environmentId, async () => {
      const keep =
        instances === "all" ? [] : live(environmentId).filter((instance) => !instances.includes(instance));
      if (instances === "all") {
        putToSleep.add(environmentId);
        await keepDoors();
      }
      changes.note(environmentId);
      // The names first: who comes now is let in by the door, beside those that finish what they have.
      if (one !== undefined) await edge.point(one, keep);
      return fleet.promote(environmentId, keep);
    });
    // Others may have come while these were looked at.
    scalingOf(environmentId).begin(environmentId);
    const retired = fleet.retire(gone, one === undefined ? 0 : drainTimeOf(one.config));
    if (one?.config.deploy.strategy === "stopstart") {
      leaving.set(environmentId, retired);
      void retired.finally(() => leaving.get(environmentId) === retired && leaving.delete(environmentId));
    }
    await retired;
  };

  const wakes = createWakes({ live, start: (id) => start(id, 0) });
  const scalingParts: ScalingParts = {
    ...{ live, start, log, isStarting: wakes.isStarting },
    configOf: (id) => served.get(id)?.config,
    // Not awaited: draining takes as long as what was begun last.
    giveBack: async (id, instances) =>
      void giveBack(id, instances).catch((err: unknown) => log.warn({ err }, "idle")),
  };
  const functions = openFunctionScaling({ ...scalingParts, logFolder: parts.logFolder });
  const others = watchRest({ ...scalingParts, wantedOf: (id) => served.get(id)?.replicas ?? 0 });
  const scalingOf = (id: string): Scaling => (isFunction(id) ? functions : others);

  const versionOf = async (instance: Instance): Promise<number> => {
    const known = orders.versionOf(instance.releaseId) ?? versions.get(instance.releaseId);
    if (known !== undefined) return known;
    const number = await readVersionNumber(releases.store, instance);
    if (versions.size >= 10_000) versions.clear();
    versions.set(instance.releaseId, number);
    return number;
  };

  const wake: Activation["wake"] = async (environmentId, signal, onStands): Promise<Awake> => {
    const since = performance.now();
    if (holding.has(environmentId)) await holding.wait(environmentId, signal);
    const { instance, isFresh } = await wakes.wake(environmentId, signal, onStands);
    const startUs = isFresh ? Math.round((performance.now() - since) * 1000) : null;
    return { instance, version: await versionOf(instance), startUs };
  };

  const isAsleep = (id: string): boolean =>
    live(id).length === 0 && !wakes.isStarting(id) && (mayRest(id) || isFunction(id));

  const sleepers = (): readonly ServedEnvironment[] =>
    [...served.values()].filter((one) => one.desired === "running" && isAsleep(one.id));

  const doors = createDoors({
    plan: (one) =>
      planDoor(one, {
        ...{ path: parts.holdPath(one), owner: parts.owner, notes: parts.notes, wake },
        isRefusable: () => live(one.id).length === 0 || holding.has(one.id) || changes.isRecent(one.id),
        configOf: () => served.get(one.id)?.config ?? one.config,
      }),
    log,
  });

  /** Functions have one always, other apps when they may sleep, or do so because somebody said so. */
  const keepDoors = (): Promise<void> => {
    const present = [...served.values()].filter(
      (one) => one.desired === "running" && one.config.shape !== "tcp",
    );
    const wanted = present.filter(
      ({ id, config }) =>
        config.function !== null || config.sleep !== null || putToSleep.has(id) || holding.has(id),
    );
    return doors.keep(wanted, new Set(present.map(({ id }) => id)));
  };

  return {
    wake,
    reach: async (environmentId, signal) => (await wake(environmentId, signal)).instance.address,
    async sleep(environmentId) {
      await wakes.settle(environmentId);
      await giveBack(environmentId, "all");
    },
    isAsleep,
    isPutToSleep: (id) => putToSleep.has(id),
    isAtRest: (id) => live(id).length === 0 && mayRest(id) && !wakes.isStarting(id),
    isShort: (id) => shortfalls.failureOf(id) !== null,
    isWaking: (id) => live(id).length === 0 && wakes.isStarting(id),
    asleep: () => sleepers().map(({ id }) => id),
    expected: () => changes.lastFirst(sleepers()).map(({ config }) => config),
    hasDoor(id) {
      const one = served.get(id);
      return doors.has(id) || (one?.desired === "running" && parts.hasOtherDoor(one));
    },
    async hold(environmentId, limitMs) {
      const hold = holding.open(environmentId, limitMs);
      await wakes.settle(environmentId);
      void hold.over.then(() => changes.note(environmentId));
      return hold;
    },
    failureOf: (id) => wakes.failureOf(id) ?? shortfalls.failureOf(id),
    failing: () => [...wakes.failing(), ...shortfalls.failing()],

    async follow(environments) {
      served.clear();
      for (const one of environments) served.set(one.id, one);
      for (const id of putToSleep) if (!served.has(id)) putToSleep.delete(id);
      for (const { id } of environments) {
        changes.see(id, live(id));
        if (live(id).length === 0) continue;
        putToSleep.delete(id);
        wakes.forget(id);
        scalingOf(id).begin(id);
      }
      await keepDoors();
    },

    press(pressure) {
      const instance = fleet.all().find((one) => one.id === pressure.instance);
      if (instance !== undefined) functions.press(instance.environmentId, pressure);
    },

    async close() {
      end.abort(new BloomError("ERR_INTERRUPTED", "the daemon is about to end"));
      await Promise.all([functions.close(), others.close()]);
      await doors.close();
      // One that stands already gets its name yet: it goes on without this daemon.
      await Promise.all(starts);
    },
  };
}

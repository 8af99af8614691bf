import { stat } from "node:fs/promises";
import { join } from "node:path";
import { BloomError, type FunctionConfig } from "@bloomery/contract";
import type { Instance } from "../../run/engines/engine.js";
import { functionReadyMs } from "../../run/plan-function-sandbox.js";
import type { Edge, ServedEnvironment } from "../edge.js";
import type { Fleet } from "../fleet.js";
import type { Owner } from "../hold/sockets.js";
import type { ReleaseParts } from "../releases.js";
import { drainTimeOf } from "../function/drain-time.js";
import type { Activation, Awake, Pressure, StartNotes } from "../function/ports.js";
import { createAutoscale } from "../function/activation/autoscale.js";
import { createDoors } from "./doors.js";
import { createOrders } from "./orders.js";
import { readVersionNumber, startReplica } from "./start.js";
import { createWakes } from "./wakes.js";
import { watchIdle } from "../function/activation/watch-idle.js";

/** Everything that starts functions when somebody asks, and ends them when nobody does. */
export interface FunctionActivation extends Activation {
  /** Takes in which functions there are and shall be reached; called whenever routes change. */
  follow(served: readonly ServedEnvironment[]): Promise<void>;
  press(pressure: Pressure): void;
  /** The environments of which nothing runs until the next request. */
  asleep(): readonly string[];
  /** Somebody has put it to sleep, whatever its least number; until something of it runs again. */
  isPutToSleep(environmentId: string): boolean;
  /** Why the last start for an environment failed; null when it did not. */
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
  /** Brings the environment to its least number of instances. */
  readonly heal: (environmentId: string) => void;
  readonly notes: StartNotes;
  readonly log: { warn(fields: object, text: string): void };
}

/** A start that never ends must not keep requests for ever. */
const waitMs = functionReadyMs + 5_000;
/** Where a function takes any number: each is a descriptor of the daemon. */
const mostWaiting = 10_000;

export function openActivation(parts: ActivationParts): FunctionActivation {
  const { fleet, edge, releases, log } = parts;
  const functions = new Map<string, ServedEnvironment>();
  const versions = new Map<string, number>();
  const end = new AbortController();
  const starts = new Set<Promise<void>>();
  const orders = createOrders(releases);
  const putToSleep = new Set<string>();
  const { live } = fleet;
  const configOf = (id: string): FunctionConfig | undefined =>
    functions.get(id)?.config.function ?? undefined;

  const start = (environmentId: string, replica: number) => {
    const begun = startReplica(
      { store: releases.store, orders, fleet, edge, log, signal: end.signal },
      environmentId,
      replica,
    );
    const settled = Promise.allSettled([begun.ready, begun.placed]).then(() => void starts.delete(settled));
    starts.add(settled);
    begun.placed.then(
      () => {
        putToSleep.delete(environmentId);
        idle.begin(environmentId);
        idle.strain(environmentId);
        if (live(environmentId).length < (configOf(environmentId)?.minReplicas ?? 0))
          parts.heal(environmentId);
      },
      () => undefined,
    );
    return begun;
  };

  const giveBack = async (
    environmentId: string,
    instances: readonly Instance[],
    isOrdered = false,
  ): Promise<void> => {
    const config = functions.get(environmentId)?.config;
    const gone = await fleet.inTurn(environmentId, async () => {
      const environment = functions.get(environmentId);
      const keep = live(environmentId).filter((one) => !instances.includes(one));
      // The names first: who comes now is let in by the door, beside those that finish what they have.
      if (environment !== undefined) await edge.point(environment, keep);
      if (isOrdered && keep.length === 0) putToSleep.add(environmentId);
      return fleet.promote(environmentId, keep);
    });
    // Others may have come while these were looked at.
    idle.begin(environmentId);
    await fleet.retire(gone, config === undefined ? 0 : drainTimeOf(config));
  };

  const wakes = createWakes({ live, start: (id) => start(id, 0) });
  const idle = watchIdle({
    ...{ live, configOf, log },
    lastWritten: async (id) => {
      const written = await stat(join(parts.logFolder(id), "executions.log")).catch(() => undefined);
      return written?.mtimeMs;
    },
    // Not awaited: draining takes as long as the longest execution.
    giveBack: async (id, instances) =>
      void giveBack(id, instances).catch((err: unknown) => log.warn({ err }, "idle")),
  });
  const autoscale = createAutoscale({
    ...{ live, configOf, start, log, isStarting: wakes.isStarting, onStrain: idle.strain },
  });

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
    const { instance, isFresh } = await wakes.wake(environmentId, signal, onStands);
    const startUs = isFresh ? Math.round((performance.now() - since) * 1000) : null;
    return { instance, version: await versionOf(instance), startUs };
  };

  const isAsleep = (id: string): boolean =>
    functions.has(id) && live(id).length === 0 && !wakes.isStarting(id);

  const doors = createDoors({
    owner: parts.owner,
    notes: parts.notes,
    waitMs,
    wake,
    pathOf: parts.holdPath,
    limitOf: (id) => Math.min(mostWaiting, configOf(id)?.queueLimit || mostWaiting),
    log,
  });

  return {
    wake,
    async sleep(environmentId) {
      await wakes.settle(environmentId);
      await giveBack(environmentId, live(environmentId), true);
    },
    isAsleep,
    isPutToSleep: (id) => putToSleep.has(id) && isAsleep(id),
    asleep: () =>
      [...functions.values()]
        .filter((one) => one.desired === "running" && isAsleep(one.id))
        .map((one) => one.id),
    failureOf: wakes.failureOf,
    failing: wakes.failing,

    async follow(served) {
      const present = served.filter((one) => one.config.function !== null);
      functions.clear();
      for (const one of present) functions.set(one.id, one);
      for (const id of putToSleep) if (!functions.has(id)) putToSleep.delete(id);
      for (const one of present) {
        if (live(one.id).length === 0) continue;
        putToSleep.delete(one.id);
        wakes.forget(one.id);
        idle.begin(one.id);
      }
      await doors.keep(present.filter((one) => one.desired === "running"));
    },

    press(pressure) {
      const instance = fleet.all().find((one) => one.id === pressure.instance);
      if (instance !== undefined) autoscale.press(instance.environmentId, pressure);
    },

    async close() {
      end.abort(new BloomError("ERR_INTERRUPTED", "the daemon is about to end"));
      await idle.close();
      await doors.close();
      // One that stands already gets its name yet: it goes on without this daemon.
      await Promise.all(starts);
    },
  };
}

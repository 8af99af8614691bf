import type { AppConfig } from "@bloomery/contract";
import type { Engine, Instance, PreparedMount } from "../run/engines/engine.js";
import { createTurns } from "./turns.js";
import { planFleet, type FleetPlan, type InstancePlace, type WantedFleet } from "./plan-fleet.js";
import { waitReady } from "./wait-ready.js";

/** One release of one environment, with everything its instances need. */
export interface RunnableRelease {
  readonly environmentId: string;
  readonly releaseId: string;
  readonly appName: string;
  readonly appSlot: number;
  readonly config: AppConfig;
  readonly artifactDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** The text of /run/config.json. */
  readonly runtimeDocument: string;
}

/** Makes the writable folders of one replica ready. */
export type PrepareMounts = (
  release: RunnableRelease,
  replica: number,
  onWarning: (message: string) => void,
) => Promise<readonly PreparedMount[]>;

/** Told how a start goes on, and telling why there is one. */
export interface StartListener {
  readonly onStarted?: (instance: Instance) => void;
  /** What the owner of the app should know. */
  readonly onWarning?: (message: string) => void;
  /** Somebody waits for the app. */
  readonly isWaitedFor?: boolean;
}

/** Told about every instance, so that the store and the logs know it. */
export interface FleetObserver {
  started(instance: Instance): Promise<void>;
  /** An earlier daemon started it. */
  adopted?(instance: Instance): void;
  /** After its remains are swept. `lost`: nobody asked it to stop. */
  ended(instance: Instance, lost: boolean): Promise<void>;
}

/** The instances of all environments: which serve, which finish their last connections. */
export interface Fleet {
  live(environmentId: string): readonly Instance[];
  all(): readonly Instance[];
  plan(environmentId: string, wanted: WantedFleet): FleetPlan<Instance>;
  /**
   * Runs `work` when all earlier work for this environment has ended: whoever changes what serves asks first what shall
   * serve, and nobody may change that in between.
   */
  inTurn<T>(environmentId: string, work: () => Promise<T>): Promise<T>;
  /**
   * Starts the given replicas and waits until all are ready. When one fails, or the signal aborts, all of
   * them are stopped and swept before the error is thrown.
   */
  start(
    release: RunnableRelease,
    places: readonly InstancePlace[],
    signal: AbortSignal,
    listener?: StartListener,
  ): Promise<readonly Instance[]>;
  /**
   * From now on exactly these serve the environment, but those that have vanished meanwhile; returns those that served
   * before and do not any more.
   */
  promote(environmentId: string, instances: readonly Instance[]): readonly Instance[];
  /** Lets them finish their connections, then ends them. Resolves when they are gone. */
  retire(instances: readonly Instance[], drainMs: number): Promise<void>;
  stopNow(instances: readonly Instance[]): Promise<void>;
  /** Takes over an instance that an earlier daemon started. */
  adopt(instance: Instance): void;
  /** Waits for the retirements under way. */
  settle(): Promise<void>;
}

export function createFleet(engine: Engine, observer: FleetObserver, prepareMounts: PrepareMounts): Fleet {
  const serving = new Map<string, readonly Instance[]>();
  const known = new Map<string, Instance>();
  const leaving = new Set<string>();
  const retiring = new Set<Promise<void>>();
  const turns = createTurns();

  const follow = (instance: Instance): void => {
    known.set(instance.id, instance);
    void instance.gone.then(async () => {
      known.delete(instance.id);
      const lost = !leaving.delete(instance.id);
      const peers = serving.get(instance.environmentId);
      if (peers !== undefined)
        serving.set(
          instance.environmentId,
          peers.filter((peer) => peer !== instance),
        );
      await observer.ended(instance, lost);
    });
  };
  const end = async (instance: Instance, how: () => Promise<void>): Promise<void> => {
    leaving.add(instance.id);
    await how();
  };
  const track = async (work: Promise<unknown>): Promise<void> => {
    const settled = work.then(
      () => undefined,
      () => undefined,
    );
    retiring.add(settled);
    await settled;
    retiring.delete(settled);
  };

  const fleet: Fleet = {
    live: (environmentId) => serving.get(environmentId) ?? [],
    all: () => [...known.values()],
    plan: (environmentId, wanted) => planFleet(wanted, serving.get(environmentId) ?? []),
    inTurn: turns.take,

    async start(release, places, signal, { onStarted, onWarning = ignore, isWaitedFor } = {}) {
      const started: Instance[] = [];
      const noted: Promise<void>[] = [];
      // Replicas have their mounts in common: what is to be said of them is said once.
      const warn = once(onWarning);
      // Of a function one never knows.
      const hurries = isWaitedFor === true || release.config.function !== null;
      const waitedFor = hurries ? release.config : null;
      try {
        for (const place of places) {
          signal.throwIfAborted();
          const mounts = await prepareMounts(release, place.replica, warn);
          const id = engine.nextId(waitedFor);
          const instance = await engine.start({ id, ...release, ...place, mounts });
          started.push(instance);
          follow(instance);
          // It need not wait for its row.
          const note = observer.started(instance);
          note.catch(() => undefined);
          noted.push(note);
          onStarted?.(instance);
        }
        await Promise.all(started.map((instance) => waitReady(instance, release.config, signal)));
        await Promise.all(noted);
        return started;
      } catch (error) {
        await Promise.allSettled(noted);
        await fleet.stopNow(started);
        throw error;
      }
    },

    promote(environmentId, instances) {
      const before = serving.get(environmentId) ?? [];
      // One that vanished since it was ready was nobody's loss then.
      serving.set(
        environmentId,
        instances.filter(({ id }) => known.has(id)),
      );
      return before.filter((instance) => !instances.includes(instance));
    },

    retire: (instances, drainMs) =>
      track(Promise.all(instances.map((instance) => end(instance, () => instance.drain(drainMs))))),

    stopNow: (instances) =>
      track(Promise.all(instances.map((instance) => end(instance, () => instance.stop(null))))),

    adopt(instance) {
      follow(instance);
      observer.adopted?.(instance);
    },

    async settle() {
      while (retiring.size > 0) await Promise.all(retiring);
    },
  };
  return fleet;
}

function ignore(): void {
  // nobody listens
}

function once(tell: (message: string) => void): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (told.has(message)) return;
    told.add(message);
    tell(message);
  };
}

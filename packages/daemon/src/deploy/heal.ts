import { setTimeout as delay } from "node:timers/promises";
import { BloomError, toBloomError } from "@bloomery/contract";
import type { Instance } from "../run/engines/engine.js";
import type { Fleet, RunnableRelease } from "./fleet.js";
import { planFleet, type InstancePlace, type WantedFleet } from "./plan-fleet.js";
import type { Edge } from "./edge.js";
import { drainTimeOf } from "./function/drain-time.js";

/** What an environment should look like now; asked again at each attempt, because it changes. */
export interface Wanted extends WantedFleet {
  readonly environment: { readonly id: string; readonly slot: number };
  /** Null when nothing shall be started. */
  readonly release: RunnableRelease | null;
}

export interface Healer {
  /** Brings the environment to what is wanted; at most one attempt at a time for each environment. */
  heal(environmentId: string): Promise<void>;
  /** One attempt, whose failure is thrown: for somebody who waits for the answer. */
  healOnce(environmentId: string): Promise<void>;
  /** Why the last attempt for an environment failed, in words; null when it did not. */
  failureOf(environmentId: string): string | null;
  /** The environments whose last attempt failed. */
  failing(): readonly string[];
  /** Stops trying; resolves when nothing is under way. */
  close(): Promise<void>;
}

const firstPauseMs = 500;
const longestPauseMs = 30_000;

/**
 * Replaces instances that vanished (their shim was killed, the machine was restarted). Tries again with growing
 * pauses until the environment is as wanted: nobody is there to press a button at night.
 */
export function createHealer(parts: {
  readonly fleet: Fleet;
  readonly edge: Pick<Edge, "point" | "refresh">;
  readonly wantedOf: (environmentId: string) => Promise<Wanted | undefined>;
  readonly log: { warn(fields: object, text: string): void; info(fields: object, text: string): void };
}): Healer {
  const running = new Map<string, Promise<void>>();
  const failures = new Map<string, string>();
  const abort = new AbortController();

  const attempt = async (environmentId: string): Promise<void> => {
    try {
      await bringAbout(environmentId);
      failures.delete(environmentId);
    } catch (error) {
      failures.set(environmentId, toBloomError(error).message);
      throw error;
    }
  };

  const bringAbout = async (environmentId: string): Promise<void> => {
    const wanted = await parts.wantedOf(environmentId);
    if (wanted === undefined) return;
    const plan = parts.fleet.plan(environmentId, wanted);
    if (plan.start.length === 0 && plan.stop.length === 0) {
      return parts.fleet.inTurn(environmentId, () =>
        parts.edge.point(wanted.environment, parts.fleet.live(environmentId)),
      );
    }
    // Each takes its place as soon as it is ready: one that does not come up must not keep the others from serving.
    // Only what takes the place of others waits until all are there.
    const groups = plan.stop.length > 0 ? [plan.start] : plan.start.map((place) => [place]);
    const filled = await Promise.allSettled(groups.map((places) => fill(wanted, places)));
    await parts.edge.refresh();
    const done = filled.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
    const gone = done.flatMap((one) => one.gone);
    void parts.fleet.retire(gone, wanted.release === null ? 0 : drainTimeOf(wanted.release.config));
    const fresh = done.flatMap((one) => one.fresh.map(({ id }) => id));
    if (fresh.length > 0) {
      parts.log.info({ environment: environmentId, instances: fresh }, "instances replaced");
    }
    const failed = filled.flatMap((one, index) =>
      one.status === "rejected" ? [{ error: one.reason as unknown, places: groups[index] ?? [] }] : [],
    );
    const [first, ...others] = failed;
    if (first !== undefined) throw joinFailures([first, ...others], wanted);
  };

  /** Starts instances for these places and leads requests to them, unless something else is wanted by then. */
  const fill = async (
    { environment, release, releaseId }: Wanted,
    places: readonly InstancePlace[],
  ): Promise<{ readonly fresh: readonly Instance[]; readonly gone: readonly Instance[] }> => {
    const fresh = release === null ? [] : await parts.fleet.start(release, places, abort.signal);
    const take = async () => {
      // A deployment may have switched meanwhile; then these are yesterday's.
      const now = await parts.wantedOf(environment.id);
      if (now === undefined || now.releaseId !== releaseId) return undefined;
      // It may have been put to sleep meanwhile. Or a place is filled: a request has come, and somebody has answered it.
      const needed = fresh.filter(({ role, replica }) => replica < (now.replicas[role] ?? 0));
      const { keep } = planFleet(now, [...parts.fleet.live(environment.id), ...needed]);
      await parts.edge.point(environment, keep);
      return { keep, gone: parts.fleet.promote(environment.id, keep) };
    };
    const change = await parts.fleet.inTurn(environment.id, take).catch(async (error: unknown) => {
      await parts.fleet.stopNow(fresh);
      throw error;
    });
    const surplus = fresh.filter((instance) => change?.keep.includes(instance) !== true);
    if (surplus.length > 0) await parts.fleet.stopNow(surplus);
    const used = fresh.filter((instance) => !surplus.includes(instance));
    return { fresh: used, gone: change?.gone ?? [] };
  };

  const loop = async (environmentId: string): Promise<void> => {
    for (let pause = firstPauseMs; !abort.signal.aborted; pause = Math.min(pause * 2, longestPauseMs)) {
      try {
        return await attempt(environmentId);
      } catch (error) {
        if (abort.signal.aborted) return;
        parts.log.warn(
          { err: error, environment: environmentId, pause },
          "instances could not be replaced yet",
        );
        await delay(pause, undefined, { signal: abort.signal }).catch(() => undefined);
      }
    }
  };

  /** Chained, not dropped: what was lost during an attempt is seen by the next one. */
  const inTurn = (environmentId: string, work: (id: string) => Promise<void>): Promise<void> => {
    const before = running.get(environmentId) ?? Promise.resolve();
    const mine = before.then(() => work(environmentId));
    const settled = mine
      .catch(() => undefined)
      .finally(() => {
        if (running.get(environmentId) === settled) running.delete(environmentId);
      });
    running.set(environmentId, settled);
    return mine;
  };

  return {
    heal: (environmentId) => inTurn(environmentId, loop),
    healOnce: (environmentId) => inTurn(environmentId, attempt),
    failureOf: (environmentId) => failures.get(environmentId) ?? null,
    failing: () => [...failures.keys()],
    async close() {
      abort.abort();
      await Promise.all(running.values());
    },
  };
}

interface Failed {
  readonly error: unknown;
  readonly places: readonly InstancePlace[];
}

/** One error for those that could not be started; of several replicas it says which and why each. */
function joinFailures(failed: readonly [Failed, ...Failed[]], { replicas }: Wanted): BloomError {
  const { code, message, hint, details } = toBloomError(failed[0].error);
  const isOnly = Object.values(replicas).reduce((sum, count) => sum + count, 0) === 1;
  const reasons = failed.map(({ error, places }) => {
    const names = places.map(({ role, replica }) => `${role}/${replica}`).join(", ");
    return `${names}: ${toBloomError(error).message}`;
  });
  return new BloomError(code, isOnly ? message : reasons.join("; "), {
    cause: failed[0].error,
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
  });
}

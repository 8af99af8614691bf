import { BloomError } from "@bloomery/contract";
import { describeExit } from "../run/describe-exit.js";
import type { Instance } from "../run/engines/engine.js";
import type { Edge } from "./edge.js";
import type { Fleet, RunnableRelease } from "./fleet.js";
import type { Hold } from "./hold/open-hold.js";
import { drainTimeOf } from "./function/drain-time.js";
import { listPlaces, type InstancePlace } from "./plan-fleet.js";
import { enterPhase, measure, type Walk } from "./walk.js";

/** What making a release live needs. */
export interface LiveParts {
  readonly fleet: Fleet;
  readonly edge: Edge;
  readonly openHold: (
    environment: { readonly id: string; readonly slot: number },
    limitMs: number,
  ) => Promise<Hold>;
  /** What has to be done with the new instances before they take traffic; throws to keep the old ones. */
  readonly prepare: (instances: readonly Instance[]) => Promise<void>;
  /** Tries to bring back what should run, until it does. */
  readonly heal: (environmentId: string) => void;
  /** Records the release as live. */
  readonly commit: () => Promise<void>;
}

export interface LiveOrder {
  readonly release: RunnableRelease;
  readonly environment: { readonly id: string; readonly slot: number };
  readonly replicas: Readonly<Record<string, number>>;
}

/**
 * Makes a release live without a gap: new beside old, ready, prepared, switch, drain. Until the switch everything can
 * fail or be cancelled and the old instances never notice; after it there is no way back but a rollback.
 */
export async function goLive(walk: Walk, order: LiveOrder, parts: LiveParts): Promise<readonly Instance[]> {
  const { environment } = order;
  await walk.enter("starting");
  const fresh = await startFresh(walk, order, parts);
  const old = await measure(walk, "switchMs", async () => {
    await walk.enter("switching");
    enterPhase(walk, "switch");
    return parts.fleet.inTurn(environment.id, async () => {
      const previous = parts.fleet.live(environment.id);
      try {
        await parts.edge.point(environment, fresh);
        await parts.commit();
        const left = parts.fleet.promote(environment.id, fresh);
        await parts.edge.refresh();
        if (parts.fleet.live(environment.id).length < fresh.length) parts.heal(environment.id);
        return left;
      } catch (error) {
        // The names still exist: lead them back before the new instances go.
        parts.fleet.promote(environment.id, previous);
        await parts.edge.point(environment, previous).catch(() => undefined);
        await parts.fleet.stopNow(fresh);
        throw error;
      }
    });
  });
  if (old.length > 0) enterPhase(walk, "drain", `${old.length} old instance${old.length === 1 ? "" : "s"}`);
  // Draining may last as long as the slowest client; nobody has to wait for it.
  void parts.fleet.retire(old, drainTimeOf(order.release.config));
  return fresh;
}

/** Starts the new instances and prepares them. When that fails or is cancelled nothing is left of them. */
export async function startFresh(
  walk: Walk,
  order: LiveOrder,
  parts: Pick<LiveParts, "fleet" | "prepare">,
): Promise<readonly Instance[]> {
  const places = listPlaces(order.replicas);
  enterPhase(walk, "start", places.length === 1 ? undefined : `${places.length} replicas`);
  return startPlaces(walk, order.release, places, parts);
}

/** The same for some of the places. */
export async function startPlaces(
  walk: Walk,
  release: RunnableRelease,
  places: readonly InstancePlace[],
  parts: Pick<LiveParts, "fleet" | "prepare">,
): Promise<readonly Instance[]> {
  return measure(walk, "startMs", async () => {
    const watchers: (() => void)[] = [];
    let fresh: readonly Instance[];
    try {
      fresh = await parts.fleet.start(release, places, walk.signal, {
        onStarted(instance) {
          enterPhase(walk, "ready");
          watchers.push(reportExits(walk, instance));
        },
        onWarning: (message) => walk.emit({ type: "warning", message }),
      });
    } catch (error) {
      reportOutput(walk, error);
      throw error;
    } finally {
      for (const unwatch of watchers) unwatch();
    }
    try {
      walk.signal.throwIfAborted();
      await parts.prepare(fresh);
      walk.signal.throwIfAborted();
      return fresh;
    } catch (error) {
      await parts.fleet.stopNow(fresh);
      throw error;
    }
  });
}

/** Each exit before readiness is worth a line: the owner is watching the deploy. One that we have asked for is not. */
function reportExits(walk: Walk, instance: Instance): () => void {
  let seen = "";
  return instance.watchStatus((status) => {
    if (status.last_exit === null || status.last_exit.at === seen || status.state === "stopped") return;
    seen = status.last_exit.at;
    walk.emit({
      type: "warning",
      message: `the start command ended: ${describeExit(status.last_exit, instance.memoryBytes)}`,
    });
  });
}

function reportOutput(walk: Walk, error: unknown): void {
  if (!(error instanceof BloomError)) return;
  const tail = error.details?.["tail"];
  if (!Array.isArray(tail)) return;
  for (const line of tail) walk.emit({ type: "log", source: "app", text: String(line) });
}

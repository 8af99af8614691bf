import {
  BloomError,
  type DeploymentEvent,
  type DeploymentState,
  type DeployPhase,
  type Timings,
} from "@bloomery/contract";
import type { Instance } from "../run/engines/engine.js";
import { describeExit } from "../run/describe-exit.js";
import type { Fleet, RunnableRelease } from "./fleet.js";

/** What one deployment works with while it walks the arrow. */
export interface Walk {
  readonly deployment: string;
  readonly signal: AbortSignal;
  emit(event: DeploymentEvent): void;
  enter(state: DeploymentState): Promise<void>;
  readonly timings: { -readonly [K in keyof Timings]: Timings[K] };
}

/** How the edge is led to other instances. */
export interface Edge {
  /** Leads the stable name of each replica to its instance; the names of missing replicas lead nowhere. */
  point(
    environment: { readonly id: string; readonly slot: number },
    instances: readonly Instance[],
  ): Promise<void>;
  /** Writes the routes of all environments anew and waits until nginx has them; does nothing when unchanged. */
  refresh(): Promise<void>;
}

export function enterPhase(walk: Walk, phase: DeployPhase, detail?: string): void {
  const at = new Date().toISOString();
  walk.emit(detail === undefined ? { type: "phase", phase, at } : { type: "phase", phase, at, detail });
}

/** Runs `work` and adds its duration to one of the timings, also when it throws. */
export async function measure<T>(walk: Walk, key: keyof Timings, work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  try {
    return await work();
  } finally {
    walk.timings[key] += Math.round(performance.now() - begin);
  }
}

/**
 * Makes a release live without a gap: new beside old, ready, switch, drain. Until the switch everything can
 * fail or be cancelled and the old instances never notice; after it there is no way back but a rollback.
 */
export async function goLive(
  walk: Walk,
  release: RunnableRelease,
  environment: { readonly id: string; readonly slot: number },
  replicas: Readonly<Record<string, number>>,
  parts: { readonly fleet: Fleet; readonly edge: Edge; readonly commit: () => Promise<void> },
): Promise<void> {
  await walk.enter("starting");
  const places = Object.entries(replicas).flatMap(([role, count]) =>
    Array.from({ length: count }, (_, replica) => ({ role, replica })),
  );
  const fresh = await measure(walk, "startMs", async () => {
    enterPhase(walk, "start", places.length === 1 ? undefined : `${places.length} replicas`);
    const watchers: (() => void)[] = [];
    try {
      return await parts.fleet.start(release, places, walk.signal, (instance) => {
        enterPhase(walk, "ready");
        watchers.push(reportExits(walk, instance));
      });
    } catch (error) {
      reportOutput(walk, error);
      throw error;
    } finally {
      for (const unwatch of watchers) unwatch();
    }
  });
  if (walk.signal.aborted) {
    await parts.fleet.stopNow(fresh);
    walk.signal.throwIfAborted();
  }
  const old = await measure(walk, "switchMs", async () => {
    await walk.enter("switching");
    enterPhase(walk, "switch");
    const previous = parts.fleet.live(environment.id);
    try {
      await parts.edge.point(environment, fresh);
      await parts.commit();
      const left = parts.fleet.promote(environment.id, fresh);
      await parts.edge.refresh();
      return left;
    } catch (error) {
      // The names still exist: lead them back before the new instances go.
      parts.fleet.promote(environment.id, previous);
      await parts.edge.point(environment, previous).catch(() => undefined);
      await parts.fleet.stopNow(fresh);
      throw error;
    }
  });
  if (old.length > 0) enterPhase(walk, "drain", `${old.length} old instance${old.length === 1 ? "" : "s"}`);
  // Draining may last as long as the slowest client; nobody has to wait for it.
  void parts.fleet.retire(old, release.config.web.drainSeconds * 1000);
}

/** Each exit before readiness is worth a line: the owner is watching the deploy. */
function reportExits(walk: Walk, instance: Instance): () => void {
  let seen = "";
  return instance.watchStatus((status) => {
    if (status.last_exit === null || status.last_exit.at === seen) return;
    seen = status.last_exit.at;
    walk.emit({ type: "warning", message: `the start command ended: ${describeExit(status.last_exit)}` });
  });
}

function reportOutput(walk: Walk, error: unknown): void {
  if (!(error instanceof BloomError)) return;
  const tail = error.details?.["tail"];
  if (!Array.isArray(tail)) return;
  for (const line of tail) walk.emit({ type: "log", source: "app", text: String(line) });
}

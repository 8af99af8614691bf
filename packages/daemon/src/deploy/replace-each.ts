import { BloomError, toBloomError } from "@bloomery/contract";
import type { Instance } from "../run/engines/engine.js";
import { drainTimeOf } from "./function/drain-time.js";
import { startPlaces, type LiveOrder, type LiveParts } from "./go-live.js";
import { listPlaces } from "./plan-fleet.js";
import { enterPhase, measure, type Walk } from "./walk.js";

/**
 * Fresh instances of the release that is live already, one place after the other: the new one is ready before requests
 * are led to it, and the old one is gone before the next begins. So never more than one runs beyond what is wanted. When
 * one does not come up, or somebody cancels, what is replaced stays so and the others go on: they are the same release.
 */
export async function replaceEach(
  walk: Walk,
  order: LiveOrder,
  parts: LiveParts,
): Promise<readonly Instance[]> {
  const places = listPlaces(order.replicas);
  const drainMs = drainTimeOf(order.release.config);
  const fresh: Instance[] = [];
  await walk.enter("starting");
  for (const [index, place] of places.entries()) {
    const which = `replica ${index + 1} of ${places.length}`;
    enterPhase(walk, "start", which);
    // What is done once is done in the first.
    const prepare = index === 0 ? parts.prepare : async () => undefined;
    try {
      const started = await startPlaces(walk, order.release, [place], { fleet: parts.fleet, prepare });
      enterPhase(walk, "switch", which);
      const gone = await measure(walk, "switchMs", () => takePlaces(order, started, parts));
      fresh.push(...started);
      if (gone.length > 0) enterPhase(walk, "drain", which);
      const retired = parts.fleet.retire(gone, drainMs);
      // After the last one nobody has to wait.
      if (index < places.length - 1) await Promise.race([retired, abortOf(walk.signal)]);
    } catch (error) {
      throw explain(error, fresh.length, places.length);
    }
  }
  await walk.enter("switching");
  await parts.commit();
  await parts.edge.refresh();
  if (parts.fleet.live(order.environment.id).length !== places.length) parts.heal(order.environment.id);
  return fresh;
}

/** Leads requests to these in place of those that stand where they do, and returns those. */
async function takePlaces(
  { environment }: LiveOrder,
  started: readonly Instance[],
  { fleet, edge }: LiveParts,
): Promise<readonly Instance[]> {
  return fleet.inTurn(environment.id, async () => {
    const before = fleet.live(environment.id);
    const isTaken = (one: Instance): boolean =>
      started.some(({ role, replica }) => role === one.role && replica === one.replica);
    const serving = [...before.filter((one) => !isTaken(one)), ...started];
    try {
      await edge.point(environment, serving);
      return fleet.promote(environment.id, serving);
    } catch (error) {
      await edge.point(environment, before).catch(() => undefined);
      await fleet.stopNow(started);
      throw error;
    }
  });
}

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function explain(error: unknown, done: number, count: number): BloomError {
  const cause = toBloomError(error);
  const { code, message, details } = cause;
  const rest = `${done} of ${count} replicas were replaced, the others go on as they were`;
  const hint = "All of them run the live version; `bloom ps APP` shows since when.";
  return new BloomError(code, `${message}; ${rest}`, {
    ...{ cause: error, hint },
    ...(details === undefined ? {} : { details }),
  });
}

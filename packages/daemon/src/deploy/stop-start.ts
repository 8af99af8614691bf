import { BloomError, toBloomError } from "@bloomery/contract";
import type { Instance } from "../run/engines/engine.js";
import type { RunnableRelease } from "./fleet.js";
import { startFresh, type LiveOrder, type LiveParts } from "./go-live.js";
import type { Hold } from "./hold/open-hold.js";
import { enterPhase, measure, type Walk } from "./walk.js";

/**
 * Makes a release live for apps of which never two may run at a time: the old instances finish and end, then the new
 * ones start. Requests that come meanwhile wait. When the new ones fail, the old release is started again, and the
 * requests go to it.
 */
export async function stopStart(
  walk: Walk,
  order: LiveOrder & {
    /** The release that serves until now; null when there is none. */
    readonly previous: RunnableRelease | null;
  },
  parts: LiveParts,
): Promise<readonly Instance[]> {
  const { environment, release, previous } = order;
  let old = parts.fleet.live(environment.id);
  await walk.enter("starting");
  enterPhase(walk, "hold", `up to ${release.config.deploy.holdSeconds} s`);
  let hold: Hold | undefined;
  try {
    hold = await parts.openHold(environment, release.config.deploy.holdSeconds * 1000);
    // One that was being woken stands by now.
    old = parts.fleet.live(environment.id);
    await parts.edge.point(environment, []);
    parts.fleet.promote(environment.id, []);
    enterPhase(walk, "drain", `${old.length} old instance${old.length === 1 ? "" : "s"}`);
    const drainSeconds = previous?.config.web.drainSeconds ?? 0;
    await measure(walk, "switchMs", () => parts.fleet.retire(old, drainSeconds * 1000));
    const fresh = await startFresh(walk, order, parts);
    await measure(walk, "switchMs", () => switchTo(walk, order, fresh, parts));
    void hold.release(fresh.map((instance) => instance.address));
    return fresh;
  } catch (error) {
    await goBack(walk, order, old, hold, parts, error);
    throw error;
  }
}

async function switchTo(
  walk: Walk,
  { environment }: LiveOrder,
  fresh: readonly Instance[],
  parts: LiveParts,
): Promise<void> {
  await walk.enter("switching");
  enterPhase(walk, "switch");
  try {
    await parts.edge.point(environment, fresh);
    await parts.commit();
    parts.fleet.promote(environment.id, fresh);
    await parts.edge.refresh();
  } catch (error) {
    parts.fleet.promote(environment.id, []);
    await parts.edge.point(environment, []).catch(() => undefined);
    await parts.fleet.stopNow(fresh);
    throw error;
  }
}

/** Brings back what served before; throws when that fails as well, because then nothing serves. */
async function goBack(
  walk: Walk,
  {
    environment,
    previous,
  }: { readonly environment: LiveOrder["environment"]; previous: RunnableRelease | null },
  old: readonly Instance[],
  hold: Hold | undefined,
  parts: LiveParts,
  cause: unknown,
): Promise<void> {
  const places = old.map(({ role, replica }) => ({ role, replica }));
  try {
    const alive = parts.fleet.live(environment.id);
    if (alive.length > 0) {
      await parts.edge.point(environment, alive);
      await hold?.release(alive.map((instance) => instance.address));
      return;
    }
    if (previous === null || places.length === 0) {
      await hold?.refuse();
      return;
    }
    walk.emit({ type: "log", source: "platform", text: "starting the previous version again" });
    // Not the walk's signal: a cancelled deployment must bring the old version back all the same.
    const again = await parts.fleet.start(previous, places, new AbortController().signal);
    await parts.edge.point(environment, again);
    parts.fleet.promote(environment.id, again);
    await parts.edge.refresh();
    await hold?.release(again.map((instance) => instance.address));
  } catch (error) {
    await hold?.refuse();
    parts.heal(environment.id);
    const first = toBloomError(cause);
    throw new BloomError(
      first.code,
      `${first.message}; and the previous version did not start again (${toBloomError(error).message}): nothing serves this environment now`,
      {
        cause,
        hint: "The daemon keeps trying to start the previous version; `bloom ps APP` shows how it does.",
      },
    );
  }
}

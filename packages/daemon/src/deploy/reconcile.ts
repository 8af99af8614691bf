import { setTimeout as delay } from "node:timers/promises";
import { BloomError } from "@bloomery/contract";
import type { Engine, Instance } from "../run/engines/engine.js";
import type { Environment } from "../store/environments.js";
import type { Store } from "../store/open-store.js";
import type { Edge, ServedEnvironment } from "./edge.js";
import type { Fleet } from "./fleet.js";
import type { Healer, Wanted } from "./heal.js";
import { listIdle } from "./served.js";

/**
 * Closes what an earlier daemon left open: its locks are stale, its deployments, builds and activities will
 * never end by themselves. Returns how many deployments were lost.
 */
export async function closeUnfinished(store: Store, boot: string): Promise<number> {
  const error = new BloomError(
    "ERR_DEPLOYMENT_LOST",
    "the daemon ended while this was under way",
  ).toDocument();
  const lost = await store.deployments.failUnfinished(error);
  await store.builds.failUnfinished(error);
  await store.drafts.failUnfinished(error);
  await store.activities.failUnfinished(error);
  await store.locks.breakOthers(boot);
  return lost.length;
}

/** Milliseconds a daemon waits at its start for apps to come up. */
const patience = 10_000;

/**
 * Finds again what runs and brings every environment to what is wanted. Instances of live releases keep
 * serving without a blink; those of deployments that were lost are stopped. An app that does not come up is
 * tried again later: it must not keep the daemon, and with it the way to mend it, from starting.
 */
export async function reconcile(parts: {
  readonly store: Store;
  readonly engine: Engine;
  readonly fleet: Fleet;
  readonly healer: Healer;
  readonly wantedOf: (environmentId: string) => Promise<Wanted | undefined>;
  /** Ends what belongs to none of these instances; after adoption, before anything new is started. */
  readonly sweepStrays: (keep: ReadonlySet<string>) => Promise<void>;
  readonly edge: Pick<Edge, "point">;
  readonly listServed: () => Promise<readonly ServedEnvironment[]>;
  /** All that runs is found again: who waits for a function need not wait for the apps that do not come up. */
  readonly onFound: (served: readonly ServedEnvironment[]) => Promise<void>;
  readonly log: { info(fields: object, text: string): void; warn(fields: object, text: string): void };
  readonly patienceMs?: number;
}): Promise<void> {
  const { store, engine, fleet } = parts;
  const recorded = new Set((await store.instances.listLive()).map((row) => row.id));
  let adopted = 0;
  // In turn would cost a connect and a status for each; a hundred at a time is quick and bounded.
  const folders = await engine.list();
  const ids = folders.filter((id) => recorded.has(id));
  // A database that was restored does not know all that runs; to serve beside it would be two of one kind.
  await endStrays(
    parts,
    folders.filter((id) => !recorded.has(id)),
  );
  for (let index = 0; index < ids.length; index += 100) {
    const found = await Promise.all(ids.slice(index, index + 100).map((id) => engine.adopt(id)));
    for (const instance of found) {
      if (instance === undefined) continue;
      fleet.adopt(instance);
      recorded.delete(instance.id);
      adopted++;
    }
  }
  for (const id of recorded) await store.instances.end(id, "crashed");
  await parts.sweepStrays(new Set(fleet.all().map((instance) => instance.id)));

  const environments = await store.environments.list();
  const running = groupByEnvironment(fleet.all());
  for (const environment of environments) {
    const present = running.get(environment.id);
    if (present === undefined) continue;
    const releaseId = await wantedRelease(parts, environment);
    const serving = present.filter(
      (instance) => instance.releaseId === releaseId && instance.status.state !== "draining",
    );
    fleet.promote(environment.id, serving);
    const strangers = present.filter((instance) => !serving.includes(instance));
    void fleet.retire(strangers, 10_000);
  }
  const served = await parts.listServed();
  await parts.onFound(served);
  const idle = listIdle(served);
  if (adopted > 0) parts.log.info({ instances: adopted }, "running instances found again");
  // A thousand functions may sleep: there is nothing to heal, but names may lead to what ended without a daemon.
  const isAtRest = ({ id }: Environment): boolean => idle.has(id) && !running.has(id);
  for (const environment of environments.filter(isAtRest)) await parts.edge.point(environment, []);
  await heal(
    parts,
    environments.filter((environment) => !isAtRest(environment)).map(({ id }) => id),
  );
}

function groupByEnvironment(instances: readonly Instance[]): ReadonlyMap<string, readonly Instance[]> {
  const groups = new Map<string, Instance[]>();
  for (const instance of instances) {
    const group = groups.get(instance.environmentId);
    if (group === undefined) groups.set(instance.environmentId, [instance]);
    else group.push(instance);
  }
  return groups;
}

/** Waits for what comes up soon; the rest goes on by itself. */
async function heal(
  {
    healer,
    log,
    patienceMs = patience,
  }: Pick<Parameters<typeof reconcile>[0], "healer" | "log" | "patienceMs">,
  ids: readonly string[],
): Promise<void> {
  const missing = new Set(ids);
  const healed = ids.map(async (id) => {
    await healer.heal(id);
    missing.delete(id);
  });
  const enough = new AbortController();
  const timer = delay(patienceMs, undefined, { signal: enough.signal }).catch(() => undefined);
  await Promise.race([Promise.all(healed), timer]);
  enough.abort();
  if (missing.size > 0) {
    log.info({ environments: [...missing] }, "not every app is up yet; they are tried further");
  }
}

/** What cannot be read is as it was: the healer says why, and tries again. */
async function wantedRelease(
  { wantedOf }: Pick<Parameters<typeof reconcile>[0], "wantedOf">,
  { id, liveReleaseId }: Pick<Environment, "id" | "liveReleaseId">,
): Promise<string | null> {
  try {
    return (await wantedOf(id))?.releaseId ?? null;
  } catch {
    return liveReleaseId;
  }
}

async function endStrays(
  { engine, log }: Pick<Parameters<typeof reconcile>[0], "engine" | "log">,
  ids: readonly string[],
): Promise<void> {
  for (let index = 0; index < ids.length; index += 100) {
    const some = ids.slice(index, index + 100);
    const ended = await Promise.all(
      some.map((id) =>
        engine.endStray(id).catch((error: unknown) => {
          log.warn({ error, instance: id }, "an instance nobody knows could not be ended");
          return false;
        }),
      ),
    );
    const strays = some.filter((_, at) => ended[at]);
    if (strays.length > 0) log.info({ instances: strays }, "instances nobody knows were ended");
  }
}

import { BloomError } from "@bloomery/contract";
import type { Instance } from "../../run/engines/engine.js";
import type { Store } from "../../store/open-store.js";
import type { Edge } from "../edge.js";
import type { Fleet } from "../fleet.js";
import { planFleet } from "../plan-fleet.js";
import { planReplicas } from "../plan-replicas.js";
import { drainTimeOf } from "../function/drain-time.js";
import type { Orders } from "./orders.js";
import type { Start } from "./wakes.js";

export interface StartParts {
  readonly store: Store;
  readonly orders: Orders;
  readonly fleet: Fleet;
  readonly edge: Pick<Edge, "point">;
  /** Aborts what is under way when the daemon ends. */
  readonly signal: AbortSignal;
  /** What must have ended before: of some apps never two instances may run. */
  readonly before: Promise<unknown> | undefined;
  readonly log: { warn(fields: object, text: string): void };
}

/**
 * Starts one instance of the release that is live, at this place among the replicas. It answers as soon as it is ready;
 * that it is found by its name, too, comes a moment later. No lock is taken: whoever asks must not wait for a deployment
 * under way. When that deployment has switched meanwhile, the instance ends what it was given, and nobody finds it.
 */
export function startReplica(parts: StartParts, environmentId: string, replica: number): Start {
  const { fleet, edge, signal } = parts;
  let onStarted: (instance: Instance) => void = () => undefined;
  const stands = new Promise<Instance>((resolve) => (onStarted = resolve));
  const begun = (async () => {
    await parts.before;
    const order = await parts.orders.load(environmentId);
    const place = { role: "web", replica };
    const [instance] = await fleet.start(order.runnable, [place], signal, { onStarted, isWaitedFor: true });
    if (instance === undefined) throw new BloomError("ERR_INTERNAL", "the start of one instance gave none");
    return { ...order, instance };
  })();
  const place = async (): Promise<void> => {
    const { runnable, instance, environment } = await begun;
    const change = await fleet.inTurn(environmentId, async () => {
      const now = await parts.store.environments.getLive(environmentId);
      if (now?.liveReleaseId !== runnable.releaseId || now.desired !== "running") return undefined;
      const { most } = planReplicas(now.replicas, runnable.config);
      const present = [...fleet.live(environmentId), instance];
      const { keep } = planFleet({ releaseId: runnable.releaseId, replicas: {}, most }, present);
      await edge.point(environment, keep);
      return { keep, gone: fleet.promote(environmentId, keep) };
    });
    const isPlaced = change?.keep.includes(instance) === true;
    const gone = [...(change?.gone ?? []), ...(isPlaced ? [] : [instance])];
    if (gone.length > 0) void fleet.retire(gone, drainTimeOf(runnable.config));
  };
  const placed = place();
  // Whoever waits for the instance learns why there is none; this is for what comes after.
  placed.catch((error: unknown) => {
    begun.then(
      ({ instance }) => {
        parts.log.warn({ err: error, instance: instance.id }, "an instance that was started got no name");
        void fleet.retire([instance], 0);
      },
      () => undefined,
    );
  });
  return { stands, ready: begun.then(({ instance }) => instance), placed };
}

/** The number of the version an instance runs. */
export async function readVersionNumber(store: Store, { releaseId }: Instance): Promise<number> {
  const release = await store.releases.get(releaseId);
  const version = release === undefined ? undefined : await store.versions.get(release.versionId);
  if (version === undefined)
    throw new BloomError("ERR_NOTHING_DEPLOYED", "its version does not exist any more");
  return version.number;
}

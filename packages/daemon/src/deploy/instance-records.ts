import type { Instance } from "../run/engines/engine.js";
import { applyRetention, logLimits } from "../observe/retention.js";
import type { Store } from "../store/open-store.js";
import type { FleetObserver } from "./fleet.js";

export interface InstanceRecords {
  readonly observer: FleetObserver;
  /** Calls back when instances came or went; returns the unsubscribe. */
  watchInstances(changed: () => void): () => void;
  /** Waits for the writes under way. */
  settle(): Promise<void>;
}

/** Ended instances that are still listed, a while longer than their logs are kept. */
const rememberedInstances = logLimits.most + 100;

/** Keeps the store's list of instances, and removes the folders of those that ended long ago. */
export function createInstanceRecords(
  store: Store,
  parts: { readonly instanceDir: (id: string) => string; readonly onLost: (instance: Instance) => void },
): InstanceRecords {
  const listeners = new Set<() => void>();
  const writing = new Set<Promise<unknown>>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const track = async (work: Promise<unknown>): Promise<void> => {
    writing.add(work);
    try {
      await work;
    } finally {
      writing.delete(work);
    }
  };

  const forget = async (environmentId: string): Promise<void> => {
    const rows = await store.instances.list({ environmentId, limit: rememberedInstances });
    const ended = rows.filter((row) => row.endedAt !== null).map(({ id }) => id);
    await applyRetention(ended, parts.instanceDir);
    await store.instances.removeBeyond(environmentId, rememberedInstances);
  };

  return {
    observer: {
      async started(instance) {
        const { id, environmentId, releaseId, role, replica, address } = instance;
        const text = address.kind === "tcp" ? `${address.address}:${address.port}` : address.path;
        await track(store.instances.create({ id, environmentId, releaseId, role, replica, address: text }));
        const keep = (): void =>
          void track(store.instances.update(id, { state: instance.status.state })).catch(() => undefined);
        instance.watchStatus(() => {
          tell();
          keep();
        });
        // It may have become ready before anybody watched.
        if (instance.status.state !== "starting") keep();
        tell();
      },
      async ended(instance, lost) {
        await track(
          (async () => {
            await store.instances.end(instance.id, lost ? "crashed" : "stopped");
            await forget(instance.environmentId);
          })(),
        ).catch(() => undefined); // the app may have been deleted with its records
        tell();
        if (lost) parts.onLost(instance);
      },
    },
    watchInstances(changed) {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    async settle() {
      while (writing.size > 0) await Promise.allSettled(writing);
    },
  };
}

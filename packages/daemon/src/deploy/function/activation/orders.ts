import { BloomError } from "@bloomery/contract";
import type { RunnableRelease } from "../../fleet.js";
import { formatPlace, placeOfEnvironment } from "../../places.js";
import { loadRunnable, type ReleaseParts } from "../../releases.js";

/** What is started for an environment. */
export interface Order {
  readonly environment: { readonly id: string; readonly slot: number };
  readonly runnable: RunnableRelease;
}

export interface Orders {
  /** That of the release which is live now. Throws ERR_NOTHING_DEPLOYED and ERR_APP_STOPPED. */
  load(environmentId: string): Promise<Order>;
}

/** So many are kept, the oldest go first. */
const kept = 500;

/** Releases never change, so what was put together for one is kept: whoever wakes a function waits for it. */
export function createOrders(releases: ReleaseParts): Orders {
  const { store } = releases;
  const orders = new Map<string, Order>();

  const loadNew = async (environmentId: string, releaseId: string): Promise<Order> => {
    const place = await placeOfEnvironment(store, environmentId);
    const release = await store.releases.get(releaseId);
    if (place === undefined || release === undefined) throw nothingDeployed();
    const { runnable } = await loadRunnable(releases, place, release);
    return Object.freeze({ environment: { id: environmentId, slot: place.environment.slot }, runnable });
  };

  return {
    async load(environmentId) {
      const row = await store.environments.get(environmentId);
      if (row === undefined || row.liveReleaseId === null) throw nothingDeployed();
      if (row.desired !== "running") {
        const names = { org: row.orgName, app: row.appName, environment: row.name };
        throw new BloomError("ERR_APP_STOPPED", `${formatPlace(names)} is stopped`);
      }
      const known = orders.get(row.liveReleaseId);
      if (known !== undefined) return known;
      const order = await loadNew(environmentId, row.liveReleaseId);
      const [oldest] = orders.keys();
      if (orders.size >= kept && oldest !== undefined) orders.delete(oldest);
      orders.set(row.liveReleaseId, order);
      return order;
    },
  };
}

function nothingDeployed(): BloomError {
  return new BloomError("ERR_NOTHING_DEPLOYED", "the function has no version that could be started");
}

import { BloomError } from "@bloomery/contract";
import type { RunnableRelease } from "../fleet.js";
import { formatPlace, namesOf, placeOfEnvironment } from "../places.js";
import { loadRunnable, type ReleaseParts } from "../releases.js";

/** What is started for an environment. */
export interface Order {
  readonly environment: { readonly id: string; readonly slot: number };
  readonly runnable: RunnableRelease;
  /** The number of the version it runs. */
  readonly version: number;
}

export interface Orders {
  /** That of the release which is live now. Throws ERR_NOTHING_DEPLOYED and ERR_APP_STOPPED. */
  load(environmentId: string): Promise<Order>;
  /** The number of the version a release runs; undefined when nothing was put together for it lately. */
  versionOf(releaseId: string): number | undefined;
}

/** So many are kept, the oldest go first. */
const kept = 500;

/** Releases never change, so what was put together for one is kept: whoever wakes an app waits for it. */
export function createOrders(releases: ReleaseParts): Orders {
  const { store } = releases;
  const orders = new Map<string, Order>();

  const loadNew = async (environmentId: string, releaseId: string): Promise<Order> => {
    const environment = await store.environments.get(environmentId);
    const app = environment === undefined ? undefined : await store.apps.get(environment.appId);
    const release = await store.releases.get(releaseId);
    if (environment === undefined || app === undefined || release === undefined) throw nothingDeployed();
    const place = { org: { name: environment.orgName }, app, environment };
    const { runnable, version } = await loadRunnable(releases, place, release);
    const { slot } = environment;
    return Object.freeze({ environment: { id: environmentId, slot }, runnable, version: version.number });
  };

  const stopped = async (environmentId: string): Promise<BloomError> => {
    const place = await placeOfEnvironment(store, environmentId);
    if (place === undefined) return nothingDeployed();
    return new BloomError("ERR_APP_STOPPED", `${formatPlace(namesOf(place))} is stopped`);
  };

  return {
    versionOf: (releaseId) => orders.get(releaseId)?.version,
    async load(environmentId) {
      const row = await store.environments.getLive(environmentId);
      if (row === undefined || row.liveReleaseId === null) throw nothingDeployed();
      if (row.desired !== "running") throw await stopped(environmentId);
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
  return new BloomError("ERR_NOTHING_DEPLOYED", "there is no version that could be started");
}

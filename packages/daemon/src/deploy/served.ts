import type { AppConfig } from "@bloomery/contract";
import type { Store } from "../store/open-store.js";
import type { Version } from "../store/versions.js";
import type { ServedEnvironment } from "./edge.js";
import { countNames, planReplicas } from "./plan-replicas.js";
import { namesOf, type Place } from "./places.js";

/**
 * Lists every environment that has a live release, as the edge needs it, in a stable order. Versions never change, so
 * those that were live when it was last asked are not read again.
 */
export function createServedList(
  store: Pick<Store, "environments" | "versions">,
  artifactDir: (digest: string) => string,
): () => Promise<ServedEnvironment[]> {
  let known: ReadonlyMap<string, Pick<Version, "config" | "artifact">> = new Map();
  return async () => {
    const environments = await store.environments.list();
    const ids = new Set(environments.flatMap(({ liveVersionId }) => liveVersionId ?? []));
    const fresh = await store.versions.getAll([...ids].filter((id) => !known.has(id)));
    const live = new Map([...known].filter(([id]) => ids.has(id)));
    for (const { id, config, artifact } of fresh) live.set(id, { config, artifact });
    known = live;
    const served = environments.flatMap((environment): ServedEnvironment[] => {
      const version = live.get(environment.liveVersionId ?? "");
      if (version === undefined) return [];
      const { id, slot, orgName: org, appName: app, name, desired } = environment;
      const names = { org, app, environment: name };
      const replicas = countNames(environment.replicas, version.config);
      const artifact = artifactDir(version.artifact);
      return [{ id, slot, ...names, desired, config: version.config, artifactDir: artifact, replicas }];
    });
    return served.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  };
}

/** Those that nothing has to run for as long as nobody asks: what may sleep, and what was stopped. */
export function listIdle(served: readonly ServedEnvironment[]): Set<string> {
  const isIdle = ({ config, desired }: ServedEnvironment): boolean =>
    desired === "stopped" ||
    ((config.function !== null || config.sleep !== null) && planReplicas({}, config).least["web"] === 0);
  return new Set(served.filter(isIdle).map(({ id }) => id));
}

/** How a place would be served with this config: for asking nginx before anything is built. */
export function planServed(place: Place, config: AppConfig, artifactDir: string): ServedEnvironment {
  const { id, slot, desired, replicas } = place.environment;
  const names = countNames(replicas, config);
  return { id, slot, ...namesOf(place), desired, config, artifactDir, replicas: names };
}

import type { AppConfig } from "@bloomery/contract";
import type { Store } from "../store/open-store.js";
import type { ServedEnvironment } from "./edge.js";
import { countNames } from "./plan-replicas.js";
import { namesOf, type Place } from "./places.js";

/** Every environment that has a live release, as the edge needs it, in a stable order. */
export async function listServed(
  store: Store,
  artifactDir: (digest: string) => string,
): Promise<ServedEnvironment[]> {
  const served: ServedEnvironment[] = [];
  for (const environment of await store.environments.list()) {
    const version =
      environment.liveVersionId === null ? undefined : await store.versions.get(environment.liveVersionId);
    if (version === undefined) continue;
    served.push({
      id: environment.id,
      slot: environment.slot,
      org: environment.orgName,
      app: environment.appName,
      environment: environment.name,
      desired: environment.desired,
      config: version.config,
      artifactDir: artifactDir(version.artifact),
      replicas: countNames(environment.replicas, version.config),
    });
  }
  return served.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** How a place would be served with this config: for asking nginx before anything is built. */
export function planServed(place: Place, config: AppConfig, artifactDir: string): ServedEnvironment {
  const { id, slot, desired, replicas } = place.environment;
  const names = countNames(replicas, config);
  return { id, slot, ...namesOf(place), desired, config, artifactDir, replicas: names };
}

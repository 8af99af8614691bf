import type { Store } from "../store/open-store.js";
import { replicaLimit, type ServedEnvironment } from "./edge.js";

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
      replicas: Math.min(replicaLimit, environment.replicas["web"] ?? version.config.replicas),
    });
  }
  return served.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

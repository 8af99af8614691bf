import { BloomError, toBloomError } from "@bloomery/contract";
import type { App } from "../store/apps.js";
import type { Instance } from "../run/engines/engine.js";
import { replicaLimit, type Edge } from "./edge.js";
import { withEnvironmentLock } from "./environment-lock.js";
import type { Fleet } from "./fleet.js";
import type { Healer, Wanted } from "./heal.js";
import { formatPlace, namesOf, placeOfEnvironment, type Place } from "./places.js";
import { planPresent, planReplicas, type Replicas } from "./plan-replicas.js";
import { findLiveRelease, loadRunnable, type ReleaseParts } from "./releases.js";

/** Changes of what runs that need neither build nor release. */
export interface Operations {
  stop(place: Place, actor: string): Promise<void>;
  /** Null: as many as the manifest says. */
  scale(place: Place, replicas: Readonly<Record<string, number | null>>, actor: string): Promise<void>;
  /** With everything it has kept: data, logs, builds. */
  deleteApp(org: { readonly name: string }, app: App, actor: string): Promise<void>;
  /** What an environment should look like now; undefined when it does not exist any more. */
  wantedOf(environmentId: string): Promise<Wanted | undefined>;
}

export interface OperationParts extends ReleaseParts {
  readonly fleet: Fleet;
  readonly edge: Edge;
  readonly healer: () => Healer;
  /** Nothing of it shall run until somebody comes, whatever its least number. */
  readonly isPutToSleep: (environmentId: string) => boolean;
  readonly boot: string;
  /** Removes what is kept for an app's next build. */
  readonly forgetApp: (appId: string) => Promise<void>;
  /** Removes the data and the logs of an environment. */
  readonly forgetEnvironment: (environmentId: string) => Promise<void>;
}

export function createOperations(parts: OperationParts): Operations {
  const { store, fleet, edge } = parts;

  const withLock = <T>(place: Place, actor: string, what: string, work: () => Promise<T>): Promise<T> =>
    withEnvironmentLock(parts, place, { actor, what, deployment: null }, work);

  const clear = async (place: Place): Promise<void> => {
    const before = await fleet.inTurn(place.environment.id, async (): Promise<readonly Instance[]> => {
      await edge.point(place.environment, []);
      return fleet.promote(place.environment.id, []);
    });
    await edge.refresh();
    await fleet.stopNow(before);
  };

  return {
    stop: (place, actor) =>
      withLock(place, actor, "stop", async () => {
        await store.environments.update(place.environment.id, { desired: "stopped" });
        await clear(place);
      }),

    scale: (place, replicas, actor) =>
      withLock(place, actor, "scale", async () => {
        const release = await findLiveRelease(store, place);
        if (release === undefined) {
          throw new BloomError("ERR_NOTHING_DEPLOYED", `${formatPlace(namesOf(place))} has no release yet`);
        }
        const version = await store.versions.get(release.versionId);
        if (version !== undefined && version.config.function !== null) throw scalesItself(place);
        const unknown = Object.keys(replicas).find((role) => role !== "web");
        if (unknown !== undefined) {
          throw new BloomError("ERR_NOT_FOUND", `${formatPlace(namesOf(place))} has no role ${unknown}`, {
            hint: "Every app has the role `web`, and no other one.",
          });
        }
        if ((replicas["web"] ?? 0) > replicaLimit) throw tooMany(place, replicas["web"] ?? 0);
        const { id } = place.environment;
        const before = (await store.environments.get(id))?.replicas ?? {};
        await store.environments.update(id, { replicas: mergeReplicas(before, replicas) });
        try {
          await parts.healer().healOnce(id);
          // Of an app that sleeps nothing was started, and nginx has to know the names all the same.
          await edge.refresh();
        } catch (error) {
          await store.environments.update(id, { replicas: before });
          // Those that came up are not wanted any more.
          void parts.healer().heal(id);
          const { code, message, details } = toBloomError(error);
          throw new BloomError(code, message, {
            cause: error,
            hint: "What ran before goes on. `bloom logs APP` shows the last lines of those that ended.",
            ...(details === undefined ? {} : { details }),
          });
        }
      }),

    async deleteApp(org, app, actor) {
      const environments = await store.environments.list({ appId: app.id });
      for (const environment of environments) {
        const place = { org: { ...org, id: app.orgId, createdAt: "" }, app, environment };
        await withLock(place, actor, "delete", async () => {
          await store.environments.update(environment.id, { desired: "stopped" });
          await clear(place);
        });
      }
      await store.apps.remove(app.id);
      await edge.refresh();
      await parts.forgetApp(app.id);
      for (const environment of environments) await parts.forgetEnvironment(environment.id);
    },

    async wantedOf(environmentId) {
      const place = await placeOfEnvironment(store, environmentId);
      if (place === undefined) return undefined;
      const { environment } = place;
      const release = await findLiveRelease(store, place);
      if (release === undefined || environment.desired === "stopped") {
        return { environment, releaseId: null, replicas: {}, release: null };
      }
      const version = await store.versions.get(release.versionId);
      const plan = version === undefined ? null : planReplicas(environment.replicas, version.config);
      const running = fleet.live(environmentId).length;
      const replicas =
        plan === null || version === undefined || parts.isPutToSleep(environmentId)
          ? {}
          : planPresent(plan, version.config, running);
      const isIdle = plan !== null && running === 0 && (replicas["web"] ?? 0) === 0;
      // A thousand apps may sleep: what each would need to run is not put together for nothing.
      const runnable = isIdle ? null : (await loadRunnable(parts, place, release)).runnable;
      return {
        ...{ environment, releaseId: release.id, release: runnable },
        ...{ replicas, most: plan?.most ?? {} },
      };
    },
  };
}

function mergeReplicas(own: Replicas, change: Readonly<Record<string, number | null>>): Replicas {
  const merged = Object.entries({ ...own, ...change });
  return Object.fromEntries(merged.flatMap(([role, count]) => (count === null ? [] : [[role, count]])));
}

function tooMany(place: Place, count: number): BloomError {
  return new BloomError(
    "ERR_LIMIT_REACHED",
    `${formatPlace(namesOf(place))} may have ${replicaLimit} replicas at most, not ${count}`,
    { hint: "Give each of them more with `memory` and `cpu` in [limits] of bloom.toml." },
  );
}

function scalesItself(place: Place): BloomError {
  return new BloomError(
    "ERR_INVALID_ARGUMENT",
    `${formatPlace(namesOf(place))} is a function: it has as many instances as its requests need`,
    { hint: "Set min_replicas and max_replicas in [run] of its bloom.toml." },
  );
}

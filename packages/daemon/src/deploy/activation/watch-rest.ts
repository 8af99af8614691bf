import type { Instance } from "../../run/engines/engine.js";
import { createLooks } from "./looks.js";
import { planLook, planRest, type RestingInstance } from "./plan-rest.js";
import type { Scaling, ScalingParts } from "./ports.js";
import { readSigns } from "./read-signs.js";

interface Seen {
  readonly mark: string | null;
  readonly activeAt: number;
}

/** After a start that failed nobody tries again for so long: what runs goes on serving. */
const pauseMs = 5_000;

/**
 * Looks from time to time whether somebody comes to the apps that may sleep, ends what nobody needs, and brings back
 * what is needed again. A daemon that has just started knows of nobody who came before: every idle time begins anew.
 */
export function watchRest(
  parts: Omit<ScalingParts, "isStarting"> & {
    /** How many replicas the app has when it is awake. */
    readonly wantedOf: (environmentId: string) => number;
  },
): Scaling {
  /** By environment, and in it by instance. */
  const seen = new Map<string, ReadonlyMap<string, Seen>>();
  const filling = new Set<string>();
  const failedAt = new Map<string, number>();

  const fill = (environmentId: string): void => {
    if (filling.has(environmentId) || Date.now() < (failedAt.get(environmentId) ?? 0) + pauseMs) return;
    const taken = new Set(parts.live(environmentId).map((one) => one.replica));
    let replica = 0;
    while (taken.has(replica)) replica++;
    filling.add(environmentId);
    const { ready, placed } = parts.start(environmentId, replica);
    ready.then(
      () => failedAt.delete(environmentId),
      (err: unknown) => {
        failedAt.set(environmentId, Date.now());
        parts.log.warn(
          { err, environment: environmentId },
          "an app that is needed again could not be started",
        );
      },
    );
    void Promise.allSettled([ready, placed]).then(() => filling.delete(environmentId));
  };

  const measure = async (
    instance: Instance,
    before: Seen | undefined,
  ): Promise<RestingInstance & { readonly mark: string | null }> => {
    const { id, replica } = instance;
    // What cannot be asked is taken for busy: it is gone in a moment, or it will be asked again.
    const { connections, mark } = await readSigns(instance).catch(() => ({ connections: 1, mark: null }));
    const hasCome = mark === null || (before !== undefined && before.mark !== mark);
    const isActive = connections > 0 || hasCome;
    const activeAt = isActive || before === undefined ? Date.now() : before.activeAt;
    return { id, replica, isActive, activeAt, mark };
  };

  const look = async (environmentId: string): Promise<number | null> => {
    const rule = parts.configOf(environmentId)?.sleep ?? null;
    const present = parts.live(environmentId);
    const before = seen.get(environmentId);
    seen.delete(environmentId);
    if (rule === null || present.length === 0) return null;
    const instances = await Promise.all(present.map((one) => measure(one, before?.get(one.id))));
    const {
      end,
      fill: isNeeded,
      lookAgainMs,
    } = planRest({
      now: Date.now(),
      idleMs: rule.idleSeconds * 1000,
      least: rule.minReplicas,
      wanted: parts.wantedOf(environmentId),
      instances,
    });
    const ending = present.filter((one) => end.includes(one.id));
    if (ending.length > 0) await parts.giveBack(environmentId, ending);
    if (isNeeded) fill(environmentId);
    // Somebody may have come while this was looked at.
    const live = parts.live(environmentId);
    if (lookAgainMs === null && live.every((one) => present.includes(one))) return null;
    seen.set(environmentId, new Map(instances.map(({ id, mark, activeAt }) => [id, { mark, activeAt }])));
    return lookAgainMs ?? planLook(rule.idleSeconds * 1000);
  };

  const looks = createLooks({
    look,
    onTrouble: (err, environment) => parts.log.warn({ err, environment }, "an app could not be looked at"),
  });

  return {
    begin(environmentId) {
      const rule = parts.configOf(environmentId)?.sleep ?? null;
      if (rule !== null && parts.live(environmentId).length > 0)
        looks.begin(environmentId, planLook(rule.idleSeconds * 1000));
    },
    // Who has come is seen on the instances themselves.
    strain: () => undefined,
    close: looks.close,
  };
}

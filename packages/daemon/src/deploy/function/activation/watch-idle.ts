import type { FunctionConfig } from "@bloomery/contract";
import type { Instance } from "../../../run/engines/engine.js";
import { createLooks } from "../../activation/looks.js";
import type { Scaling } from "../../activation/ports.js";
import { planGiveBack, type ScaledInstance } from "./plan-scale.js";

interface Seen {
  strainedAt: number;
  peak: number;
}

/** Looks from time to time whether what runs has still something to do. Functions that sleep cost nothing. */
export function watchIdle(parts: {
  readonly live: (environmentId: string) => readonly Instance[];
  readonly configOf: (environmentId: string) => FunctionConfig | undefined;
  /** When the last execution of this instance was written down, in milliseconds since 1970; undefined: none was yet. */
  readonly lastWritten: (instance: string) => Promise<number | undefined>;
  readonly giveBack: (environmentId: string, instances: readonly Instance[]) => Promise<void>;
  readonly log: { warn(fields: object, text: string): void };
}): Scaling {
  const seen = new Map<string, Seen>();

  /** Several are given back one after the other, by how busy they are seen: that takes more than one look. */
  const pauseOf = (environmentId: string, { idleSeconds }: FunctionConfig): number =>
    Math.min(idleSeconds * 1000, parts.live(environmentId).length > 1 ? 1000 : Number.POSITIVE_INFINITY);

  const forget = (environmentId: string): null => {
    seen.delete(environmentId);
    return null;
  };

  const look = async (environmentId: string): Promise<number | null> => {
    const config = parts.configOf(environmentId);
    const present = parts.live(environmentId);
    const state = seen.get(environmentId);
    if (config === undefined || state === undefined || present.length === 0) return forget(environmentId);
    const instances = await Promise.all(present.map((one) => measure(one, parts.lastWritten)));
    state.peak = Math.max(
      state.peak,
      instances.reduce((sum, one) => sum + one.connections, 0),
    );
    const { end, lookAgainMs } = planGiveBack({
      now: Date.now(),
      least: config.minReplicas,
      idleMs: config.idleSeconds * 1000,
      concurrency: config.concurrency,
      strainedAt: state.strainedAt,
      peak: state.peak,
      instances,
    });
    if (end.length > 0) {
      Object.assign(state, { strainedAt: Date.now(), peak: 0 });
      await parts.giveBack(
        environmentId,
        present.filter((one) => end.includes(one.id)),
      );
    }
    // Somebody may have come while this was looked at.
    const isSame = parts.live(environmentId).every((one) => present.includes(one));
    if (lookAgainMs === null && isSame) return forget(environmentId);
    return lookAgainMs ?? pauseOf(environmentId, config);
  };

  const looks = createLooks({
    look,
    onTrouble: (err, environment) =>
      parts.log.warn({ err, environment }, "a function could not be looked at"),
  });

  return {
    begin(environmentId) {
      const config = parts.configOf(environmentId);
      if (config === undefined || config.idleSeconds === 0 || looks.has(environmentId)) return;
      if (parts.live(environmentId).length === 0) return;
      seen.set(environmentId, { strainedAt: Date.now(), peak: 0 });
      looks.begin(environmentId, pauseOf(environmentId, config));
    },
    strain(environmentId) {
      const config = parts.configOf(environmentId);
      const state = seen.get(environmentId);
      if (state === undefined || config === undefined) return;
      Object.assign(state, { strainedAt: Date.now(), peak: 0 });
      looks.hurry(environmentId, pauseOf(environmentId, config));
    },
    close: looks.close,
  };
}

/** What cannot be asked is taken for busy: it is gone in a moment, or it will be asked again. */
async function measure(
  instance: Instance,
  lastWritten: (id: string) => Promise<number | undefined>,
): Promise<ScaledInstance> {
  const { id, replica } = instance;
  const status = await instance.refresh().catch(() => undefined);
  if (status === undefined) return { id, replica, connections: 1, activeAt: Date.now() };
  const writtenAt = await lastWritten(id);
  const readyAt = status.ready_at === null ? Date.now() : Date.parse(status.ready_at);
  return { id, replica, connections: status.connections, activeAt: Math.max(writtenAt ?? 0, readyAt) };
}

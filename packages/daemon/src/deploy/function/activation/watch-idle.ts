import type { FunctionConfig } from "@bloomery/contract";
import type { Instance } from "../../../run/engines/engine.js";
import { planGiveBack, type ScaledInstance } from "./plan-scale.js";

/** Looks from time to time whether what runs has still something to do. Functions that sleep cost nothing. */
export interface IdleWatch {
  /** Something runs in this environment: it is looked at from now on. */
  begin(environmentId: string): void;
  /** Requests waited, or instances came or went: what was seen of the load before says nothing any more. */
  strain(environmentId: string): void;
  close(): Promise<void>;
}

interface Watched {
  dueAt: number;
  strainedAt: number;
  peak: number;
}

/** Node's timers know no longer pause. */
const longestTimer = 2 ** 31 - 1;

export function watchIdle(parts: {
  readonly live: (environmentId: string) => readonly Instance[];
  readonly configOf: (environmentId: string) => FunctionConfig | undefined;
  /** When the last execution of this instance was written down, in milliseconds since 1970; undefined: none was yet. */
  readonly lastWritten: (instance: string) => Promise<number | undefined>;
  readonly giveBack: (environmentId: string, instances: readonly Instance[]) => Promise<void>;
  readonly log: { warn(fields: object, text: string): void };
}): IdleWatch {
  const watched = new Map<string, Watched>();
  const looking = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  /** Several are given back one after the other, by how busy they are seen: that takes more than one look. */
  const pauseOf = (environmentId: string, { idleSeconds }: FunctionConfig): number =>
    Math.min(idleSeconds * 1000, parts.live(environmentId).length > 1 ? 1000 : Number.POSITIVE_INFINITY);

  const plan = (): void => {
    clearTimeout(timer);
    if (isClosed || watched.size === 0) return;
    const dueAt = Math.min(...[...watched.values()].map((one) => one.dueAt));
    // Those that are being looked at have no time yet.
    if (dueAt === Number.POSITIVE_INFINITY) return;
    timer = setTimeout(lookAround, Math.min(longestTimer, Math.max(0, dueAt - Date.now())));
    timer.unref();
  };

  const look = async (environmentId: string, state: Watched): Promise<void> => {
    const config = parts.configOf(environmentId);
    const present = parts.live(environmentId);
    if (config === undefined || present.length === 0) return void watched.delete(environmentId);
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
    if (lookAgainMs === null && isSame) watched.delete(environmentId);
    else state.dueAt = Date.now() + (lookAgainMs ?? pauseOf(environmentId, config));
  };

  const lookAround = (): void => {
    const now = Date.now();
    for (const [environmentId, state] of watched) {
      if (state.dueAt > now) continue;
      state.dueAt = Number.POSITIVE_INFINITY;
      const work = look(environmentId, state)
        .catch((err: unknown) => {
          parts.log.warn({ err, environment: environmentId }, "a function could not be looked at");
          state.dueAt = Date.now() + 1000;
        })
        .finally(() => {
          looking.delete(work);
          plan();
        });
      looking.add(work);
    }
    plan();
  };

  return {
    begin(environmentId) {
      const config = parts.configOf(environmentId);
      if (config === undefined || config.idleSeconds === 0 || watched.has(environmentId)) return;
      if (parts.live(environmentId).length === 0) return;
      const now = Date.now();
      watched.set(environmentId, { dueAt: now + pauseOf(environmentId, config), strainedAt: now, peak: 0 });
      plan();
    },
    strain(environmentId) {
      const config = parts.configOf(environmentId);
      const state = watched.get(environmentId);
      if (state === undefined || config === undefined) return;
      const now = Date.now();
      Object.assign(state, { strainedAt: now, peak: 0 });
      const dueAt = now + pauseOf(environmentId, config);
      if (state.dueAt === Number.POSITIVE_INFINITY || state.dueAt <= dueAt) return;
      state.dueAt = dueAt;
      plan();
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await Promise.allSettled(looking);
    },
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

import type { FunctionConfig } from "@bloomery/contract";
import type { Instance } from "../../../run/engines/engine.js";
import type { Pressure } from "../ports.js";
import { replicaLimit } from "../../edge.js";
import { planStarts } from "./plan-scale.js";
import type { Start } from "../../activation/wakes.js";

/** Starts further instances while requests wait. */
export interface Autoscale {
  press(environmentId: string, pressure: Pressure): void;
}

/** After a start that failed nobody tries again for so long: what runs goes on serving. */
const pauseMs = 5_000;

export function createAutoscale(parts: {
  readonly live: (environmentId: string) => readonly Instance[];
  readonly configOf: (environmentId: string) => FunctionConfig | undefined;
  readonly isStarting: (environmentId: string) => boolean;
  readonly start: (environmentId: string, replica: number) => Pick<Start, "ready" | "placed">;
  readonly onStrain: (environmentId: string) => void;
  readonly log: { warn(fields: object, text: string): void };
}): Autoscale {
  /** What each instance said last, by its environment. */
  const said = new Map<string, Map<string, Pressure>>();
  const starting = new Map<string, Set<number>>();
  const failedAt = new Map<string, number>();

  const begin = (environmentId: string, replica: number, places: Set<number>): void => {
    places.add(replica);
    const { ready, placed } = parts.start(environmentId, replica);
    ready.catch((err: unknown) => {
      failedAt.set(environmentId, Date.now());
      parts.log.warn(
        { err, environment: environmentId },
        "no further instance of a function could be started",
      );
    });
    void Promise.allSettled([ready, placed]).then(() => {
      places.delete(replica);
      if (places.size === 0) starting.delete(environmentId);
    });
  };

  return {
    press(environmentId, pressure) {
      const config = parts.configOf(environmentId);
      const live = parts.live(environmentId);
      if (config === undefined || !live.some((one) => one.id === pressure.instance)) return;
      const before = said.get(environmentId)?.values() ?? [];
      const present = [...before, pressure].filter((one) => live.some(({ id }) => id === one.instance));
      const latest = new Map(present.map((one) => [one.instance, one]));
      if ([...latest.values()].every((one) => one.running + one.waiting === 0)) said.delete(environmentId);
      else said.set(environmentId, latest);
      if (pressure.waiting === 0) return;
      parts.onStrain(environmentId);
      // One that is being woken fills the first place; it is seen when it stands.
      if (parts.isStarting(environmentId)) return;
      if (Date.now() < (failedAt.get(environmentId) ?? 0) + pauseMs) return;
      const places = starting.get(environmentId) ?? new Set<number>();
      const sum = (key: "running" | "waiting"): number =>
        [...latest.values()].reduce((all, one) => all + one[key], 0);
      const replicas = planStarts({
        concurrency: config.concurrency,
        most: Math.min(replicaLimit, config.maxReplicas),
        taken: new Set([...live.map((one) => one.replica), ...places]),
        running: sum("running"),
        waiting: sum("waiting"),
      });
      if (replicas.length > 0) starting.set(environmentId, places);
      for (const replica of replicas) begin(environmentId, replica, places);
    },
  };
}

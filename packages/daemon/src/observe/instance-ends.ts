import { describeEnd } from "../run/describe-exit.js";
import type { Instance } from "../run/engines/engine.js";

/** What is remembered of an end. */
interface InstanceEnd {
  readonly atMs: number;
  readonly error: string;
}

/** How processes of functions have ended lately, for executions that went with them and cannot say so. */
export interface InstanceEnds {
  /** From now on every end of its process is remembered; of those before, the last one. */
  watch(instance: Pick<Instance, "environmentId" | "memoryBytes" | "status" | "watchStatus">): void;
  /** Why an execution that had begun and was broken off at this moment has no answer. */
  explain(environmentId: string, beganMs: number, brokenMs: number): string | undefined;
}

const keptMs = 60_000;
const keptEnds = 100;
/** nginx and the shim see it at their own times: nearly the same, unless the machine has much to do. */
const apartMs = 3000;

export function createInstanceEnds(now: () => number = Date.now): InstanceEnds {
  const ends = new Map<string, InstanceEnd[]>();
  const note = (environmentId: string, end: InstanceEnd): void => {
    const recent = (ends.get(environmentId) ?? []).filter(({ atMs }) => atMs > now() - keptMs);
    ends.set(environmentId, [...recent.slice(-keptEnds + 1), end]);
  };
  return {
    watch(instance) {
      let seen: string | undefined;
      const look = ({ last_exit }: Instance["status"]): void => {
        if (last_exit === null || last_exit.at === seen) return;
        seen = last_exit.at;
        const error = describeEnd(last_exit, instance.memoryBytes);
        note(instance.environmentId, { atMs: Date.parse(last_exit.at), error });
      };
      look(instance.status);
      instance.watchStatus(look);
    },
    explain(environmentId, beganMs, brokenMs) {
      const distance = ({ atMs }: InstanceEnd): number => Math.abs(atMs - brokenMs);
      const [nearest] = (ends.get(environmentId) ?? [])
        .filter((end) => end.atMs >= beganMs && distance(end) <= apartMs)
        .toSorted((one, other) => distance(one) - distance(other));
      return nearest?.error;
    },
  };
}

import type { Store } from "../store/open-store.js";
import type { FinishedExecution } from "../store/take-in-executions.js";

/** How long records of executions are kept: whichever comes first. */
export interface ExecutionLimits {
  readonly days: number;
  /** In each environment of each function. */
  readonly count: number;
}

export interface ExecutionKeeper {
  /** What was taken in; now and then what is too much goes. */
  taken(batch: readonly FinishedExecution[]): void;
  /** Removes all that is too old or too much. */
  sweep(): Promise<{ readonly executions: number }>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

const dayMs = 24 * 60 * 60_000;
/** A removal costs about the same however little it removes. */
const leastRemoved = 1000;

export function createExecutionKeeper(parts: {
  readonly store: Pick<Store, "executions">;
  readonly limits: ExecutionLimits;
  /** Where the requests of executions that went were kept. */
  readonly forgetRequests: (requests: readonly string[]) => Promise<void>;
  readonly log: { warn(fields: object, text: string): void };
}): ExecutionKeeper {
  const { limits, log } = parts;
  const { executions } = parts.store;
  const every = Math.max(leastRemoved, Math.floor(limits.count / 5));
  const added = new Map<string, number>();
  let under: Promise<unknown> = Promise.resolve();
  let closed = false;

  const removeBeyond = async (environmentId: string): Promise<number> => {
    const { count, requests } = await executions.removeBeyond(environmentId, limits.count);
    await parts.forgetRequests(requests);
    return count;
  };
  const trim = (environmentId: string): void => {
    under = under
      .then(() => (closed ? 0 : removeBeyond(environmentId)))
      .catch((err: unknown) => log.warn({ err }, "old records of executions could not be removed"));
  };

  return {
    taken(batch) {
      for (const { environmentId } of batch) {
        const count = (added.get(environmentId) ?? 0) + 1;
        added.set(environmentId, count === every ? 0 : count);
        if (count === every) trim(environmentId);
      }
    },

    async sweep() {
      const { count, requests } = await executions.removeOlder(
        new Date(Date.now() - limits.days * dayMs).toISOString(),
      );
      await parts.forgetRequests(requests);
      let sum = count;
      for (const environmentId of await executions.listEnvironments())
        sum += await removeBeyond(environmentId);
      return { executions: sum };
    },

    async close() {
      closed = true;
      await under;
    },
  };
}

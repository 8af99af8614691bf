import { BloomError } from "@bloomery/contract";

/** Deployments under way in this daemon, so that they can be cancelled and waited for. */
export interface Jobs {
  /** Runs `work` in the background; `done` never rejects. */
  run(deployment: string, work: (job: Job) => Promise<void>): void;
  /** Throws ERR_NOT_FOUND when it is not under way, ERR_INVALID_ARGUMENT when it has begun to switch. */
  cancel(deployment: string, who: string): void;
  /** Cancels everything and waits for it. */
  close(): Promise<void>;
}

export interface Job {
  readonly signal: AbortSignal;
  /** After this, cancelling is refused: the switch has begun. */
  seal(): void;
  /** From now on it can be cancelled again: what is left can be given up. */
  unseal(): void;
}

export function createJobs(): Jobs {
  const running = new Map<string, { abort: AbortController; sealed: boolean; done: Promise<void> }>();
  return {
    run(deployment, work) {
      const abort = new AbortController();
      const entry = { abort, sealed: false, done: Promise.resolve() };
      running.set(deployment, entry);
      const job: Job = {
        signal: abort.signal,
        seal: () => {
          entry.sealed = true;
        },
        unseal: () => {
          entry.sealed = false;
        },
      };
      entry.done = work(job)
        .catch(() => undefined)
        .finally(() => running.delete(deployment));
    },
    cancel(deployment, who) {
      const entry = running.get(deployment);
      if (entry === undefined) {
        throw new BloomError("ERR_NOT_FOUND", `the deployment ${deployment} is not under way`, {
          hint: "It has ended already; `bloom status APP` shows how.",
        });
      }
      if (entry.sealed) {
        throw new BloomError(
          "ERR_INVALID_ARGUMENT",
          "the deployment has switched already and cannot be cancelled",
          {
            hint: "`bloom rollback APP` goes back to the version before.",
          },
        );
      }
      entry.abort.abort(new BloomError("ERR_INTERRUPTED", `the deployment was cancelled by ${who}`));
    },
    async close() {
      for (const entry of running.values()) {
        if (!entry.sealed) entry.abort.abort(new BloomError("ERR_DEPLOYMENT_LOST", "the daemon is stopping"));
      }
      await Promise.all([...running.values()].map((entry) => entry.done));
    },
  };
}

import { createHash } from "node:crypto";
import { access, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BloomError, type AppConfig } from "@bloomery/contract";
import type { Engine, Instance } from "../../../run/engines/engine.js";
import {
  createFleet,
  type Fleet,
  type FleetObserver,
  type PrepareMounts,
  type RunnableRelease,
} from "../../fleet.js";
import type { OpenInstance } from "./call-target.js";

/** Instances of code that is not live: for a call or a few, seen by nobody else. */
export interface Trials {
  /** An instance of this code, one that is still warm where there is one; `version` 0: a draft. */
  open(release: RunnableRelease, version: number, signal: AbortSignal): Promise<OpenInstance>;
  close(): Promise<void>;
}

export interface TrialParts {
  readonly engine: Pick<Engine, "start" | "nextId">;
  readonly prepareMounts: PrepareMounts;
  /** Told of each trial as of any instance, such as whoever follows its records. */
  readonly observer?: FleetObserver;
  readonly instanceDir: (id: string) => string;
  readonly log: { warn(fields: object, text: string): void };
  /** How long one is kept after its last call. */
  readonly warmMs?: number;
  readonly limit?: number;
  /** How long its logs are kept after its end. */
  readonly logsMs?: number;
}

interface Trial {
  readonly key: string;
  readonly ready: Promise<Instance>;
  readonly startUs: () => number;
  calls: number;
  /** False until its first call has been told what the start took. */
  told: boolean;
  timer: NodeJS.Timeout | undefined;
  idleSince: number;
}

/** In the folder of a trial, so that the next daemon knows that nothing of it is wanted. */
const markName = "trial";
const drainMs = 10_000;

export function openTrials(parts: TrialParts): Trials {
  const { warmMs = 30_000, limit = 4, logsMs = 15 * 60_000 } = parts;
  const trials = new Map<string, Trial>();
  const removals = new Map<string, NodeJS.Timeout>();
  const fleet = createFleet(asEngine(parts.engine), observe(parts, forgetLater), parts.prepareMounts);
  const closing = new AbortController();

  function forgetLater(id: string): void {
    const remove = (): void => {
      removals.delete(id);
      void rm(parts.instanceDir(id), { recursive: true, force: true }).catch(() => undefined);
    };
    const timer = setTimeout(remove, logsMs);
    timer.unref();
    removals.set(id, timer);
  }

  const end = async (trial: Trial, how: (instance: Instance) => Promise<void>): Promise<void> => {
    clearTimeout(trial.timer);
    if (trials.get(trial.key) === trial) trials.delete(trial.key);
    const instance = await trial.ready.catch(() => undefined);
    if (instance !== undefined) await how(instance);
  };
  const retire = (trial: Trial): void =>
    void end(trial, (instance) => fleet.retire([instance], drainMs)).catch((err: unknown) =>
      parts.log.warn({ err }, "a trial did not end"),
    );

  const makeRoom = (): void => {
    if (trials.size < limit) return;
    const [idle] = [...trials.values()]
      .filter((one) => one.calls === 0)
      .toSorted((a, b) => a.idleSince - b.idleSince);
    if (idle === undefined) {
      const message = `${limit} tests of drafts and versions run already`;
      throw new BloomError("ERR_LIMIT_REACHED", message, { hint: "Try again when one of them has ended." });
    }
    retire(idle);
  };

  const start = (key: string, release: RunnableRelease): Trial => {
    makeRoom();
    const began = performance.now();
    let startUs = 0;
    const starting = startOne(fleet, release, closing.signal).then((instance) => {
      startUs = (performance.now() - began) * 1000;
      return instance;
    });
    const trial: Trial = {
      ...{ key, ready: starting, startUs: () => startUs },
      ...{ calls: 0, told: false, timer: undefined, idleSince: 0 },
    };
    trials.set(key, trial);
    const forget = (): void => {
      clearTimeout(trial.timer);
      if (trials.get(key) === trial) trials.delete(key);
    };
    starting.then((instance) => void instance.gone.then(forget), forget);
    return trial;
  };

  return {
    async open(release, version, signal) {
      closing.signal.throwIfAborted();
      const key = keyOf(release);
      const trial = trials.get(key) ?? start(key, release);
      trial.calls++;
      clearTimeout(trial.timer);
      let open = true;
      const done = (): void => {
        if (!open) return;
        open = false;
        trial.calls--;
        if (trial.calls > 0 || trials.get(key) !== trial) return;
        trial.idleSince = performance.now();
        trial.timer = setTimeout(() => retire(trial), warmMs);
        trial.timer.unref();
      };
      try {
        const instance = await orAborted(trial.ready, signal);
        const startUs = trial.told ? null : trial.startUs();
        trial.told = true;
        return { awake: { instance, version, startUs }, done };
      } catch (error) {
        done();
        throw error;
      }
    },
    async close() {
      closing.abort(new BloomError("ERR_INTERRUPTED", "the daemon is stopping"));
      await Promise.all(
        [...trials.values()].map((trial) => end(trial, (instance) => fleet.stopNow([instance]))),
      );
      await fleet.settle();
      const folders = [...removals.keys()];
      for (const timer of removals.values()) clearTimeout(timer);
      removals.clear();
      for (const id of folders) await rm(parts.instanceDir(id), { recursive: true, force: true });
    },
  };
}

/** Removes the folders of trials of an earlier daemon, which has been ended as a stray since. */
export async function sweepTrials(
  ids: readonly string[],
  instanceDir: (id: string) => string,
): Promise<void> {
  for (const id of ids) {
    const isTrial = await access(join(instanceDir(id), markName)).then(
      () => true,
      () => false,
    );
    if (isTrial) await rm(instanceDir(id), { recursive: true, force: true });
  }
}

/** A fleet of trials starts and ends them like all others; what it does not need, it does not get. */
function asEngine(engine: Pick<Engine, "start" | "nextId">): Engine {
  const none = (): never => {
    throw new Error("trials are only started");
  };
  return {
    nextId: engine.nextId,
    start: engine.start,
    adopt: none,
    endStray: none,
    runTool: none,
    list: none,
    close: none,
  };
}

function observe(
  { observer, instanceDir }: Pick<TrialParts, "observer" | "instanceDir">,
  ended: (id: string) => void,
): FleetObserver {
  return {
    async started(instance) {
      await writeFile(join(instanceDir(instance.id), markName), "", { mode: 0o600 });
      await observer?.started(instance);
    },
    async ended(instance, lost) {
      await observer?.ended(instance, lost);
      ended(instance.id);
    },
  };
}

async function startOne(fleet: Fleet, release: RunnableRelease, signal: AbortSignal): Promise<Instance> {
  const [instance] = await fleet.start(release, [{ role: "web", replica: 0 }], signal);
  if (instance === undefined) throw new Error("nothing was started");
  return instance;
}

/** Equal code with equal variables for the same place. */
function keyOf({ environmentId, artifactDir, env, config }: RunnableRelease): string {
  const facts: [string, string, object, AppConfig] = [environmentId, artifactDir, env, config];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

import { access, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createExecutionFollower } from "../../observe/follow-executions.js";
import { createExecutionKeeper, type ExecutionLimits } from "../../observe/keep-executions.js";
import { createInstanceEnds } from "../../observe/instance-ends.js";
import { createNoteBook } from "../../observe/start-notes.js";
import type { Instance } from "../../run/engines/engine.js";
import type { Store } from "../../store/open-store.js";
import type { FleetObserver } from "../fleet.js";
import { createExecutionEvents, type ExecutionEvents } from "./execution-events.js";
import type { Pressure, StartNotes } from "./ports.js";

/** The records of all functions: followed as long as an instance runs, kept within limits. */
export interface ExecutionRecords {
  /** The same observer, which also sees to the records of the instances it is told of. */
  observe(inner: FleetObserver): FleetObserver;
  /** After the instances of an earlier daemon were looked for: the others have ended. */
  settle(present: ReadonlySet<string>): Promise<void>;
  readonly notes: StartNotes;
  readonly events: ExecutionEvents;
  /** Calls back with what instances say of their load; returns the unsubscribe. */
  watchPressure(listener: (pressure: Pressure) => void): () => void;
  /** Takes in what was written before this call, as far as that can be done in a moment. Never rejects. */
  catchUp(): Promise<void>;
  /** Removes what is too old or too much. */
  sweep(): Promise<{ readonly executions: number }>;
  close(): Promise<void>;
}

const recordFile = "executions.log";
/** Who asks for records does not wait for a backlog. */
const catchUpMs = 500;

export async function openExecutions(parts: {
  readonly store: Store;
  /** The folder of an instance. */
  readonly instanceDir: (id: string) => string;
  /** nginx's, of all apps. */
  readonly accessLog: string;
  readonly limits: ExecutionLimits;
  /** Where the requests of executions that went were kept. */
  readonly forgetRequests?: (requests: readonly string[]) => Promise<void>;
  readonly log: { warn(fields: object, text: string): void };
}): Promise<ExecutionRecords> {
  const { store, log } = parts;
  const notes = createNoteBook();
  const ends = createInstanceEnds();
  const events = createExecutionEvents();
  const listeners = new Set<(pressure: Pressure) => void>();
  const keeper = createExecutionKeeper({
    ...{ store, limits: parts.limits, log },
    forgetRequests: parts.forgetRequests ?? (() => Promise.resolve()),
  });
  const follower = createExecutionFollower({
    ...{ store, accessLog: parts.accessLog, notes, ends, log, kept: parts.limits.count },
    onPressure(pressure) {
      for (const listener of listeners) listener(pressure);
    },
    onTaken(batch) {
      keeper.taken(batch);
      for (const { id } of batch) events.changed(id);
    },
  });
  const starting = new Map<string, Promise<void>>();
  const ending = new Set<Promise<void>>();

  /** Whatever is no function has no such file. */
  const follow = async ({ id, environmentId }: Pick<Instance, "id" | "environmentId">): Promise<void> => {
    const dir = join(parts.instanceDir(id), "log");
    if (!(await exists(join(dir, recordFile)))) return;
    // Trials of a draft belong to no version.
    const version = (await store.instances.get(id))?.versionNumber ?? 0;
    await follower.follow({ id, environmentId, version, dir });
  };
  /** Before it is written down as ended: a daemon that is killed in between reads the rest in its next life. */
  const end = async (id: string, write: () => Promise<void>): Promise<void> => {
    await starting.get(id);
    await follower.finish(id);
    await write();
    const isRead = await follower.forget(id).catch(() => false);
    if (isRead) await removeRecords(join(parts.instanceDir(id), "log"));
  };

  const live = await store.instances.listLive();
  for (const instance of live) await follow(instance);
  const begun = await follower.listBegun();
  for (const id of begun) {
    const instance = await store.instances.get(id);
    if (instance !== undefined) await follow(instance);
  }

  return {
    observe: (inner) => ({
      adopted(instance) {
        inner.adopted?.(instance);
        ends.watch(instance);
      },
      async started(instance) {
        ends.watch(instance);
        await inner.started(instance);
        // Nobody who waits for the instance is to wait for this.
        const following = follow(instance).catch((err: unknown) =>
          log.warn({ err, instance: instance.id }, "the records of an instance cannot be followed"),
        );
        starting.set(instance.id, following);
        void following.then(() => starting.delete(instance.id));
      },
      async ended(instance, lost) {
        const work = end(instance.id, () => inner.ended(instance, lost));
        ending.add(work);
        await work.finally(() => ending.delete(work));
      },
    }),

    async settle(present) {
      for (const id of new Set([...live.map((one) => one.id), ...begun])) {
        if (present.has(id)) continue;
        await end(id, () => Promise.resolve());
      }
    },

    notes,
    events,
    watchPressure(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async catchUp() {
      const enough = new AbortController();
      const timer = delay(catchUpMs, undefined, { signal: enough.signal });
      await Promise.race([follower.catchUp(), timer]).catch(() => undefined);
      enough.abort();
      await timer.catch(() => undefined);
    },
    sweep: () => keeper.sweep(),
    async close() {
      await Promise.allSettled(ending);
      await follower.close();
      await keeper.close();
    },
  };
}

/** They have been taken in; the rest of the log stays. */
async function removeRecords(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(recordFile)))
    await rm(join(folder, name), { force: true });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

import type { Store } from "../store/open-store.js";
import type { FinishedExecution } from "../store/take-in-executions.js";
import { createRecordFollower, cursorName, type RecordSource } from "./follow-records.js";
import { createRequestFollower, requestCursor } from "./follow-requests.js";
import type { InstanceEnds } from "./instance-ends.js";
import { createRecentIds } from "./recent-ids.js";
import { createRounds } from "./rounds.js";
import type { NoteBook } from "./start-notes.js";

export interface ExecutionFollower {
  /** Reads an instance's records from where an earlier reading, maybe of an earlier daemon, came to. */
  follow(source: RecordSource): Promise<void>;
  /** The instance has ended: reads what is left and lets go of it. What could not be kept is tried again. */
  finish(id: string): Promise<void>;
  /** Nobody will ask for its records again. False while there are some that could not be kept yet. */
  forget(id: string): Promise<boolean>;
  /** Instances of which something was read in an earlier life. */
  listBegun(): Promise<readonly string[]>;
  /** Takes in everything that was written before this call. */
  catchUp(): Promise<void>;
  /** Takes in what there is and ends. May be called twice. */
  close(): Promise<void>;
}

export interface FollowTimes {
  /** What comes within it is taken in together. */
  readonly debounceMs: number;
  /** While there is very much, readings are up to so far apart: in between most of it becomes too old to be kept. */
  readonly longestMs: number;
  /** Looks without having been told to: a system may have no watches left. */
  readonly pollMs: number;
  /** How long a request may be without a record. */
  readonly patienceMs: number;
}

const defaultTimes: FollowTimes = { debounceMs: 200, longestMs: 3000, pollMs: 30_000, patienceMs: 5000 };
const retryMs = 1000;

/** Follows the records of functions, and nginx's log for what has none, into the store. */
export function createExecutionFollower(parts: {
  readonly store: Pick<Store, "executions" | "cursors" | "environments">;
  /** nginx's, of all apps. */
  readonly accessLog: string;
  readonly notes: Pick<NoteBook, "take">;
  /** How processes have ended. */
  readonly ends: Pick<InstanceEnds, "explain">;
  readonly onPressure: Parameters<typeof createRecordFollower>[0]["onPressure"];
  /** How many records of a function are kept. */
  readonly kept: number;
  /** After they were kept. */
  readonly onTaken: (batch: readonly FinishedExecution[]) => void;
  readonly log: { warn(fields: object, text: string): void };
  readonly times?: FollowTimes;
}): ExecutionFollower {
  const { store, log, notes, times = defaultTimes } = parts;
  const recorded = createRecentIds();
  const ended = new Set<string>();
  let dueTimer: NodeJS.Timeout | null = null;
  let pollTimer: NodeJS.Timeout | null = null;
  let closing: Promise<void> | undefined;

  const records = createRecordFollower({
    positionOf: store.cursors.get,
    async takeIn(batch, cursors) {
      await store.executions.takeIn(batch, cursors);
      for (const { id } of batch) recorded.add(id);
      parts.onTaken(batch);
    },
    notes,
    onPressure: parts.onPressure,
    kept: parts.kept,
    onPassedOver: recorded.add,
    onDropped: (instance, count) => log.warn({ instance, count }, "records of executions were lost"),
    onNews() {
      rounds.soon();
      if (rounds.isBusy()) peeks.soon();
    },
  });
  const requests = createRequestFollower({
    file: parts.accessLog,
    position: () => store.cursors.get(requestCursor),
    async takeIn(batch, cursors) {
      await store.executions.takeIn(batch, cursors);
      parts.onTaken(batch);
    },
    recorded,
    notes,
    ends: parts.ends,
    versionOf: async (id) => (await store.environments.get(id))?.liveVersionNumber ?? 0,
    onNews: () => rounds.soon(),
    patienceMs: times.patienceMs,
  });

  const round = async (): Promise<void> => {
    const leaving = [...ended];
    const began = Date.now();
    await records.read();
    await requests.read(began);
    for (const id of leaving) {
      ended.delete(id);
      records.leave(id);
    }
    const dueIn = requests.dueIn();
    if (dueIn === undefined || dueTimer !== null || closing !== undefined) return;
    dueTimer = setTimeout(() => {
      dueTimer = null;
      rounds.soon();
    }, dueIn);
    dueTimer.unref();
  };
  const rounds = createRounds(round, {
    ...{ waitMs: times.debounceMs, longestMs: times.longestMs, retryMs },
    onError: (err) => log.warn({ err }, "records of executions could not be kept; they are tried again"),
  });

  /** Who scales functions cannot wait for rounds that are far apart. */
  const peeks = createRounds(records.peek, {
    ...{ waitMs: times.debounceMs, longestMs: times.debounceMs, retryMs },
    onError: (err) => log.warn({ err }, "what instances say of their load could not be read"),
  });

  const catchUp = (): Promise<void> => {
    records.suspectAll();
    requests.suspect();
    return rounds.now();
  };

  return {
    async follow(source) {
      if (closing !== undefined) return;
      pollTimer ??= setInterval(() => {
        records.suspectAll();
        requests.suspect();
        rounds.soon();
      }, times.pollMs).unref();
      await requests.start();
      await records.follow(source);
    },

    async finish(id) {
      if (!records.isFollowed(id)) return;
      records.suspect(id);
      ended.add(id);
      await rounds.now().catch(() => undefined); // said, and tried again
    },

    async forget(id) {
      if (records.isFollowed(id)) return false;
      await store.cursors.remove(cursorName(id));
      return true;
    },

    async listBegun() {
      const prefix = cursorName("");
      return (await store.cursors.list(prefix)).map((name) => name.slice(prefix.length));
    },

    catchUp,

    close: () =>
      (closing ??= (async () => {
        if (dueTimer !== null) clearTimeout(dueTimer);
        if (pollTimer !== null) clearInterval(pollTimer);
        await catchUp().catch(() => undefined);
        await Promise.all([rounds.close(), peeks.close()]);
        requests.close();
        records.leaveAll();
      })()),
  };
}

import { stat } from "node:fs/promises";
import type { Cursor } from "../store/cursors.js";
import type { InstanceEnds } from "./instance-ends.js";
import { planLogFiles } from "./log-file.js";
import { identityOf, openCursor, readNews, type SeriesCursor } from "./log-series.js";
import { parseExecutionRequest, type ExecutionRequest } from "./parse-nginx-log.js";
import { planMissed } from "./plan-execution.js";
import { formatPosition, parsePosition } from "./position.js";
import type { RecentIds } from "./recent-ids.js";
import type { NoteBook } from "./start-notes.js";
import type { TakeIn } from "./follow-records.js";
import { watchFile } from "./watch-file.js";

export interface RequestFollower {
  /** From now on; what was written before there was a function is passed over. Harmless when called again. */
  start(): Promise<void>;
  /** Takes what nginx has written, and keeps what no process has told of in good time before `recordedMs`. */
  read(recordedMs: number): Promise<void>;
  /** There may be news, or something may be due, although nobody said so. */
  suspect(): void;
  /** Milliseconds until something that was read is due; undefined: nothing waits. */
  dueIn(): number | undefined;
  close(): void;
}

/** Requests that were read together and wait for their records. */
interface Waiting {
  readonly readAt: number;
  requests: ExecutionRequest[];
  readonly position: Readonly<Record<string, number>>;
}

export const requestCursor = "requests";
/** How many predecessors nginx's log has. */
const rotatedFiles = 4;
/** A record is written 50 ms after its execution and read soon after that. */
const patienceMs = 5000;
/** More than this can only wait when something is wrong, and then those that failed matter. */
const maxWaiting = 50_000;
const saveEveryMs = 10_000;

/**
 * Follows nginx's log for executions that no process tells of: it was killed, could not be started, or had no place
 * for them.
 */
export function createRequestFollower(parts: {
  readonly file: string;
  readonly position: () => Promise<unknown>;
  readonly takeIn: TakeIn;
  /** Ids of records that were taken in. */
  readonly recorded: Pick<RecentIds, "has">;
  readonly notes: Pick<NoteBook, "take">;
  readonly ends: Pick<InstanceEnds, "explain">;
  readonly versionOf: (environmentId: string) => Promise<number>;
  readonly onNews: () => void;
  readonly patienceMs?: number;
  readonly now?: () => number;
}): RequestFollower {
  const { now = Date.now } = parts;
  const patience = parts.patienceMs ?? patienceMs;
  const parse = (line: string): ExecutionRequest | undefined =>
    parseExecutionRequest(line, parts.recorded.has);
  const series = { file: parts.file, rotated: rotatedFiles, parse, lendsLines: true };
  let cursor: SeriesCursor<ExecutionRequest> | undefined;
  let unwatch = (): void => undefined;
  let queue: Waiting[] = [];
  let waiting = 0;
  let isDirty = true;
  let savedAt = now();
  let starting: Promise<void> | undefined;

  const readFile = async (from: SeriesCursor<ExecutionRequest>): Promise<void> => {
    isDirty = false;
    for await (const block of readNews(from)) {
      const missing = block.filter(({ status }) => waiting < maxWaiting || status >= 499);
      waiting += missing.length;
      queue.push({ readAt: now(), requests: missing, position: formatPosition(from.offsets) });
    }
    // Lines of others need no second look after a restart.
    queue.push({ readAt: now(), requests: [], position: formatPosition(from.offsets) });
  };

  /** Settles those that waited long enough; they are the first in the queue. */
  const judge = async (recordedMs: number): Promise<void> => {
    const limit = recordedMs - patience;
    const due = queue.filter(({ readAt }) => readAt <= limit);
    const last = due.at(-1);
    if (last === undefined) return;
    const missed = due
      .flatMap(({ requests }) => requests)
      .filter((one) => !parts.recorded.has(one.execution));
    const versions = new Map<string, number>();
    for (const { environmentId } of missed)
      if (!versions.has(environmentId)) versions.set(environmentId, await parts.versionOf(environmentId));
    const rows = missed.map((one) =>
      planMissed(
        one,
        versions.get(one.environmentId) ?? 0,
        parts.notes.take(one.execution),
        parts.ends.explain(one.environmentId, one.endedMs - one.totalUs / 1000, one.endedMs),
      ),
    );
    const position: Cursor = { name: requestCursor, position: last.position };
    if (rows.length > 0 || now() - savedAt >= saveEveryMs) {
      await parts.takeIn(rows, [position]);
      savedAt = now();
    }
    queue = queue.slice(due.length);
    for (const { requests } of due) waiting -= requests.length;
  };

  return {
    start: () =>
      (starting ??= (async () => {
        const known = await parts.position();
        cursor = openCursor(series, known === undefined ? await findEnds(parts.file) : parsePosition(known));
        unwatch = watchFile(parts.file, () => {
          isDirty = true;
          parts.onNews();
        });
        parts.onNews();
      })()),

    async read(recordedMs) {
      if (cursor === undefined) return;
      if (isDirty) await readFile(cursor);
      // Records may be far behind: only what was there when they were read can be missed.
      await judge(recordedMs);
    },

    suspect() {
      isDirty = true;
    },

    dueIn() {
      const first = queue[0];
      return first && Math.max(0, first.readAt + patience - now());
    },

    close: () => unwatch(),
  };
}

/** The ends of the files as they are. */
async function findEnds(file: string): Promise<ReadonlyMap<string, number>> {
  const ends = new Map<string, number>();
  for (const name of planLogFiles(file, rotatedFiles)) {
    const facts = await stat(name).catch(() => undefined);
    if (facts !== undefined) ends.set(identityOf(facts), facts.size);
  }
  return ends;
}

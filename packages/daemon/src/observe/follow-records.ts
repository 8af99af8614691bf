import { join } from "node:path";
import type { Cursor } from "../store/cursors.js";
import type { FinishedExecution } from "../store/take-in-executions.js";
import { openCursor, readNews, type SeriesCursor } from "./log-series.js";
import {
  isDirectId,
  parsePressure,
  parseRecord,
  peekDirectId,
  type HandlerRecord,
  type PressureLine,
} from "./parse-record.js";
import { peekPressure } from "./peek-pressure.js";
import { planRecorded } from "./plan-execution.js";
import { formatPosition, parsePosition } from "./position.js";
import type { NoteBook } from "./start-notes.js";
import { watchFile } from "./watch-file.js";

/** An instance whose records are followed. */
export interface RecordSource {
  readonly id: string;
  readonly environmentId: string;
  readonly version: number;
  /** The folder with `executions.log`. */
  readonly dir: string;
}

/** Executions that have ended, and how far the files they come from were read for them. */
export type TakeIn = (batch: readonly FinishedExecution[], cursors: readonly Cursor[]) => Promise<void>;

export interface RecordFollower {
  /** Reads on from where an earlier reading came to. Harmless when it is followed already. */
  follow(source: RecordSource): Promise<void>;
  isFollowed(id: string): boolean;
  /** Everything there is now, of those that may have more. Rejects when it cannot be kept; then it is read again. */
  read(): Promise<void>;
  /** Tells of the load of those that may have more, and reads nothing else: for while readings are far apart. */
  peek(): Promise<void>;
  /** Looks at all of them in the next reading. */
  suspectAll(): void;
  suspect(id: string): void;
  /** Lets go of an instance that has ended and been read. */
  leave(id: string): void;
  leaveAll(): void;
}

/** How many files the shim keeps besides the one it writes. */
const rotatedFiles = 3;
/** One transaction takes so many; more only hold up whoever else wants the database. */
const batchSize = 1000;
/** What an instance said of its load longer ago is of no use to anybody. */
const pressureMs = 5000;

/** A text is the id of a record that is passed over. */
type Line = string | { readonly record: HandlerRecord } | { readonly pressure: PressureLine };

interface Followed {
  readonly source: RecordSource;
  readonly cursor: SeriesCursor<Line>;
  readonly unwatch: () => void;
  /** The last that was told of its load. */
  told: PressureLine | undefined;
}

export const cursorName = (instance: string): string => `executions:${instance}`;

/** Follows the records of all instances that run. */
export function createRecordFollower(parts: {
  readonly positionOf: (cursor: string) => Promise<unknown>;
  readonly takeIn: TakeIn;
  readonly notes: Pick<NoteBook, "take">;
  readonly onPressure: (pressure: {
    readonly instance: string;
    readonly running: number;
    readonly waiting: number;
  }) => void;
  /** So many are kept of a function: whatever has more than these behind it need not be written down first. */
  readonly kept: number;
  /** Was read, and not written down. */
  readonly onPassedOver: (execution: string) => void;
  /** Records that an instance could not get rid of in time. */
  readonly onDropped: (instance: string, count: number) => void;
  /** There may be more to read. */
  readonly onNews: () => void;
}): RecordFollower {
  const all = new Map<string, Followed>();
  const dirty = new Set<string>();
  /** Read and not kept yet; after a failure this is tried again before anything more is read. */
  let rows: FinishedExecution[] = [];
  let cursors = new Map<string, Cursor>();

  const flush = async (): Promise<void> => {
    if (rows.length === 0) return;
    await parts.takeIn(rows, [...cursors.values()]);
    rows = [];
    cursors = new Map();
    // Everything else gets its turn between two batches.
    await new Promise((resolve) => setImmediate(resolve));
  };

  /** More is still to be read than will be kept. */
  const isFlood = ({ left, lineBytes }: SeriesCursor<Line>): boolean => left > parts.kept * lineBytes;

  const tell = (followed: Followed, pressure: PressureLine): void => {
    const { told, source } = followed;
    const now = Date.now();
    if (now - pressure.at > pressureMs) return;
    // What was told of a time to come counts for nothing: the clock was set back.
    if (told !== undefined && told.at <= now && !isNewer(pressure, told)) return;
    followed.told = pressure;
    parts.onPressure({ instance: source.id, running: pressure.running, waiting: pressure.waiting });
  };

  const take = (followed: Followed, lines: readonly Line[]): void => {
    const { source, cursor } = followed;
    let pressure: PressureLine | undefined;
    for (const line of lines) {
      if (typeof line === "string") {
        parts.notes.take(line);
        parts.onPassedOver(line);
        continue;
      }
      if ("pressure" in line) {
        pressure = line.pressure;
        continue;
      }
      const { record } = line;
      const waited = parts.notes.take(record.execution);
      if (record.dropped > 0) parts.onDropped(source.id, record.dropped);
      // Rows of other executions may wait for their records.
      if (isFlood(cursor) && isDirectId(record.execution)) parts.onPassedOver(record.execution);
      else rows.push(planRecorded(record, source, waited));
    }
    const name = cursorName(source.id);
    cursors.set(name, { name, position: formatPosition(cursor.offsets) });
    if (pressure !== undefined) tell(followed, pressure);
  };

  const leave = (id: string): void => {
    all.get(id)?.unwatch();
    all.delete(id);
    dirty.delete(id);
  };

  return {
    async follow(source) {
      if (all.has(source.id)) return;
      const file = recordFile(source);
      const offsets = parsePosition(await parts.positionOf(cursorName(source.id)));
      if (all.has(source.id)) return;
      const changed = (): void => {
        dirty.add(source.id);
        parts.onNews();
      };
      const cursor: SeriesCursor<Line> = openCursor(
        {
          ...{ file, rotated: rotatedFiles, lendsLines: true },
          parse: (text) => parseLine(text, isFlood(cursor)),
        },
        offsets,
      );
      all.set(source.id, { source, cursor, unwatch: watchFile(file, changed), told: undefined });
      changed();
    },

    isFollowed: (id) => all.has(id),

    async read() {
      await flush();
      for (const id of [...dirty]) {
        dirty.delete(id);
        const followed = all.get(id);
        if (followed === undefined) continue;
        try {
          for await (const lines of readNews(followed.cursor)) {
            take(followed, lines);
            if (rows.length >= batchSize) await flush();
          }
        } catch (error) {
          dirty.add(id);
          throw error;
        }
      }
      await flush();
    },

    async peek() {
      for (const id of [...dirty]) {
        const followed = all.get(id);
        if (followed === undefined) continue;
        const pressure = await peekPressure(recordFile(followed.source));
        if (pressure !== undefined && all.get(id) === followed) tell(followed, pressure);
      }
    },

    suspectAll() {
      for (const id of all.keys()) dirty.add(id);
    },

    suspect: (id) => void dirty.add(id),

    leave,

    leaveAll() {
      for (const id of all.keys()) leave(id);
    },
  };
}

function recordFile(source: RecordSource): string {
  return join(source.dir, "executions.log");
}

function isNewer(one: PressureLine, than: PressureLine): boolean {
  if (one.at !== than.at) return one.at > than.at;
  return one.running !== than.running || one.waiting !== than.waiting;
}

/** In a flood records are not read whole unless they say something that must be known. */
function parseLine(text: string, isFlood: boolean): Line | undefined {
  const passed = isFlood ? peekDirectId(text) : undefined;
  if (passed !== undefined) return passed;
  const record = parseRecord(text);
  if (record !== undefined) return { record };
  const pressure = parsePressure(text);
  return pressure && { pressure };
}

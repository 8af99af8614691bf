import { watch, type FSWatcher } from "node:fs";
import { dirname } from "node:path";
import { timeKey } from "./log-file.js";
import { openCursor, readNews, type LogSeries, type SeriesCursor, type SourceLine } from "./log-series.js";
import { mergeLines } from "./merge-lines.js";

export interface LogQuery {
  /** ISO time. */
  readonly since: string | undefined;
  readonly tail: number | undefined;
  readonly follow: boolean;
  readonly signal: AbortSignal;
  /** What to read; asked again while following, so that new instances join. */
  readonly series: () => Promise<readonly LogSeries[]>;
  /** Calls back when there may be more to read; returns the unsubscribe. */
  readonly watchSeries: (changed: () => void) => () => void;
  /** Whether a line is wanted. */
  readonly accepts: (line: SourceLine) => boolean;
}

/** Yields lines of all logs in the order of their times; following, in the order they come. */
export async function* readLogs(query: LogQuery): AsyncGenerator<SourceLine> {
  const { signal, follow } = query;
  const cursors = new Map<string, SeriesCursor>();
  const watchers = new Map<string, FSWatcher>();
  let wake: () => void = () => undefined;
  let changed = false;
  let seriesChanged = true;
  const notice = (): void => {
    changed = true;
    wake();
  };
  const noticeSeries = (): void => {
    seriesChanged = true;
    notice();
  };
  const unwatch = follow ? query.watchSeries(noticeSeries) : () => undefined;
  signal.addEventListener("abort", notice, { once: true });
  try {
    for (let isFirst = true; ; isFirst = false) {
      changed = false;
      if (seriesChanged) {
        seriesChanged = false;
        for (const series of await query.series()) {
          if (!cursors.has(series.file)) cursors.set(series.file, openCursor(series));
        }
      }
      // Watch before reading: what is written in between wakes us again.
      if (follow) for (const file of cursors.keys()) watchFolder(watchers, dirname(file), notice);
      const lines = readWanted([...cursors.values()], query);
      yield* isFirst && query.tail !== undefined ? keepLast(lines, query.tail) : lines;
      if (!follow || signal.aborted) return;
      if (!changed) await new Promise<void>((resolve) => (wake = resolve));
      if (signal.aborted) return;
    }
  } finally {
    unwatch();
    signal.removeEventListener("abort", notice);
    for (const watcher of watchers.values()) watcher.close();
  }
}

/** What has come since the last look, of all logs. */
async function* readWanted(cursors: readonly SeriesCursor[], query: LogQuery): AsyncGenerator<SourceLine> {
  const { since, signal } = query;
  const firstKey = since === undefined ? "" : timeKey(since);
  const firstTime = since === undefined ? undefined : Date.parse(since);
  for await (const line of mergeLines(cursors.map((cursor) => readNews(cursor, firstTime)))) {
    if (signal.aborted) return;
    if (timeKey(line.time) >= firstKey && query.accepts(line)) yield line;
  }
}

async function* keepLast(lines: AsyncIterable<SourceLine>, count: number): AsyncGenerator<SourceLine> {
  let last: SourceLine[] = [];
  for await (const line of lines) {
    last.push(line);
    // Not at every line: taking one from the front of a long array is slow.
    if (last.length >= 2 * count + 1000) last = last.slice(last.length - count);
  }
  yield* last.slice(Math.max(0, last.length - count));
}

/** Tried again at every look: the folder may not be there yet. */
function watchFolder(watchers: Map<string, FSWatcher>, dir: string, changed: () => void): void {
  if (watchers.has(dir)) return;
  try {
    const watcher = watch(dir, { persistent: false }, changed);
    watcher.on("error", () => undefined); // the folder went away; its last lines have been read
    watchers.set(dir, watcher);
  } catch {
    // not there
  }
}

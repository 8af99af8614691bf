import { watch, type FSWatcher } from "node:fs";
import { join } from "node:path";
import { planLogFiles, readLines, type RawLogLine, type ReadLines } from "./log-file.js";

/** One instance whose output is wanted. */
export interface LogSource {
  readonly instance: string;
  readonly version: number;
  readonly role: string;
  /** The folder with `app.log`. */
  readonly dir: string;
}

export interface FoundLine extends RawLogLine {
  readonly instance: string;
  readonly version: number;
  readonly role: string;
}

export interface LogQuery {
  /** ISO time. */
  readonly since: string | undefined;
  readonly tail: number | undefined;
  readonly follow: boolean;
  readonly signal: AbortSignal;
  /** The instances to read; asked again while following, so that new ones join. */
  readonly sources: () => Promise<readonly LogSource[]>;
  /** Calls back when the list of instances may have changed; returns the unsubscribe. */
  readonly watchSources: (changed: () => void) => () => void;
}

const rotatedFiles = 4;

interface Cursor {
  readonly source: LogSource;
  inode: number | undefined;
  offset: number;
  watcher: FSWatcher | undefined;
}

/** Yields lines of all sources in the order of their times; following, in the order they come. */
export async function* readLogs(query: LogQuery): AsyncGenerator<FoundLine> {
  const cursors = new Map<string, Cursor>();
  let wake: () => void = () => undefined;
  let changed = false;
  const notice = (): void => {
    changed = true;
    wake();
  };
  const unwatch = query.follow ? query.watchSources(notice) : () => undefined;
  query.signal.addEventListener("abort", notice, { once: true });
  try {
    let first = true;
    for (;;) {
      changed = false;
      const found: FoundLine[] = [];
      for (const source of await query.sources()) {
        let cursor = cursors.get(source.instance);
        if (cursor === undefined) {
          cursor = { source, inode: undefined, offset: 0, watcher: undefined };
          cursors.set(source.instance, cursor);
          // Watch before reading: what is written in between wakes us again.
          if (query.follow) cursor.watcher = watchFolder(source.dir, notice);
        }
        for (const line of await readNews(cursor)) found.push(tag(line, source));
      }
      found.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
      const wanted = found.filter((line) => isSince(line.time, query.since));
      yield* first && query.tail !== undefined
        ? wanted.slice(Math.max(0, wanted.length - query.tail))
        : wanted;
      first = false;
      if (!query.follow || query.signal.aborted) return;
      if (!changed) await new Promise<void>((resolve) => (wake = resolve));
      if (query.signal.aborted) return;
    }
  } finally {
    unwatch();
    for (const cursor of cursors.values()) cursor.watcher?.close();
  }
}

/** Lines have microseconds, queries milliseconds: all lines of the millisecond that is named belong to it. */
function isSince(time: string, since: string | undefined): boolean {
  return since === undefined || time.slice(0, since.length - 1) >= since.slice(0, -1);
}

function tag(line: RawLogLine, source: LogSource): FoundLine {
  return { ...line, instance: source.instance, version: source.version, role: source.role };
}

/**
 * What was written since the last look. The file that was being read is found again by its inode: it may be
 * called `.1` by now, and whole files may have come after it.
 */
async function readNews(cursor: Cursor): Promise<RawLogLine[]> {
  const lines: RawLogLine[] = [];
  const { inode: last, offset } = cursor;
  // Newest first, until the known file: what is older has been read.
  const pieces: ReadLines[] = [];
  for (const path of planLogFiles(join(cursor.source.dir, "app.log"), rotatedFiles).toReversed()) {
    const piece = await readLines(path, (inode) => (inode === last ? offset : 0));
    if (piece === undefined || pieces.some((one) => one.inode === piece.inode)) continue;
    pieces.push(piece);
    if (piece.inode === last) break;
  }
  const newest = pieces[0];
  if (newest !== undefined) {
    cursor.inode = newest.inode;
    cursor.offset = newest.offset;
  }
  for (const piece of pieces.toReversed()) lines.push(...piece.lines);
  return lines;
}

function watchFolder(dir: string, changed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(dir, { persistent: false }, changed);
    watcher.on("error", () => undefined); // the folder went away; its last lines have been read
    return watcher;
  } catch {
    return undefined;
  }
}

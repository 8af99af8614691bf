import { open, stat, type FileHandle } from "node:fs/promises";
import type { Stats } from "node:fs";
import type { LogLine } from "@bloomery/contract";
import { planLogFiles } from "./log-file.js";
import { readLines } from "./read-lines.js";

/** A line as a log has it; names of the app and its environment are added by whoever knows them. */
export type SourceLine = Omit<LogLine, "app" | "environment">;

/** One log: a file and its predecessors `.1`, `.2` … */
export interface LogSeries<T = SourceLine> {
  readonly file: string;
  readonly rotated: number;
  /** Undefined: not a line of this log, or not one that is wanted. */
  readonly parse: (text: string) => T | undefined;
  /** What `parse` returns holds no part of its text for long: then lines may be pieces of a whole block, which is cheap. */
  readonly lendsLines?: boolean;
}

/** How far a series has been read. */
export interface SeriesCursor<T = SourceLine> {
  readonly series: LogSeries<T>;
  /** By identity of the file: a name is not a file, because logs are rotated while they are read. */
  offsets: Map<string, number>;
  /** Bytes that the last look has found and that are still to be read. */
  left: number;
  /** How long lines are of late, on average. */
  lineBytes: number;
}

/** Of a log of which nothing was read yet. */
const firstLineBytes = 512;

export function openCursor<T>(
  series: LogSeries<T>,
  offsets: ReadonlyMap<string, number> = new Map(),
): SeriesCursor<T> {
  return { series, offsets: new Map(offsets), left: 0, lineBytes: firstLineBytes };
}

/**
 * What was written since the last look, oldest first, in blocks. Every file is looked at again, not only the newest:
 * a writer may go on with a file for a while after it was moved aside. `since` passes over files that are older.
 */
export async function* readNews<T>(cursor: SeriesCursor<T>, since?: number): AsyncGenerator<T[]> {
  const { series } = cursor;
  const names = planLogFiles(series.file, series.rotated);
  const found = new Map<string, { readonly name: string; readonly facts: Stats }>();
  // Newest first: what is moved on the way is met again, never missed.
  for (const name of names) {
    const facts = await stat(name).catch(() => undefined);
    if (facts?.isFile() === true && !found.has(identityOf(facts)))
      found.set(identityOf(facts), { name, facts });
  }
  const known = cursor.offsets;
  cursor.offsets = new Map([...found.keys()].map((identity) => [identity, known.get(identity) ?? 0]));
  cursor.left = 0;
  for (const [identity, { facts }] of found)
    cursor.left += Math.max(0, facts.size - (cursor.offsets.get(identity) ?? 0));
  for (const [identity, { name, facts }] of [...found].toReversed()) {
    const read = cursor.offsets.get(identity) ?? 0;
    const start = read > facts.size ? 0 : read; // shorter than it was: it was emptied
    if (facts.size === start) continue;
    if (since !== undefined && facts.mtimeMs < since) {
      cursor.offsets.set(identity, facts.size);
      continue;
    }
    const file = await openIdentity([name, ...names], identity);
    if (file === undefined) continue;
    cursor.offsets.set(identity, start);
    try {
      for await (const { lines, end } of readLines(file, start, facts.size, series.lendsLines)) {
        const bytes = end - (cursor.offsets.get(identity) ?? start);
        cursor.left -= bytes;
        cursor.lineBytes += (bytes / lines.length - cursor.lineBytes) / 2;
        cursor.offsets.set(identity, end);
        const parsed: T[] = [];
        for (const line of lines) {
          const one = series.parse(line);
          if (one !== undefined) parsed.push(one);
        }
        if (parsed.length > 0) yield parsed;
      }
    } finally {
      await file.close();
    }
  }
}

/** Numbers of files are used again; the time of birth tells two such files apart. */
export function identityOf(facts: Stats): string {
  return `${facts.ino}-${facts.birthtimeMs}`;
}

/** The file with this identity, by whichever name it has now. */
async function openIdentity(names: readonly string[], identity: string): Promise<FileHandle | undefined> {
  for (const name of names) {
    const file = await open(name, "r").catch(() => undefined);
    if (file === undefined) continue;
    if (identityOf(await file.stat()) === identity) return file;
    await file.close();
  }
  return undefined;
}

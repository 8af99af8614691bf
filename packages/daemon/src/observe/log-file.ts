import { open } from "node:fs/promises";
import { createInterface } from "node:readline";

/** One line of an instance's log as the shim writes it: `<time> <stream> <text>`. */
export interface RawLogLine {
  readonly time: string;
  readonly stream: "stdout" | "stderr" | "platform";
  readonly text: string;
}

const streams = {
  out: "stdout",
  "out+": "stdout",
  err: "stderr",
  "err+": "stderr",
  shim: "platform",
} as const;

/** Parses one line; undefined for anything the shim did not write (a line cut by a crash of the machine). */
export function parseLogLine(line: string): RawLogLine | undefined {
  const match = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (out\+?|err\+?|shim) ?(.*)$/s.exec(line);
  if (match === null) return undefined;
  const [, time = "", stream = "out", text = ""] = match;
  return { time, stream: streams[stream as keyof typeof streams], text };
}

/** The files of one log, oldest first: `app.log.4 … app.log.1, app.log`. */
export function planLogFiles(path: string, rotated: number): readonly string[] {
  return [...Array.from({ length: rotated }, (_, index) => `${path}.${rotated - index}`), path];
}

/** What was read of one file. `offset` lies behind the last whole line. */
export interface ReadLines {
  readonly inode: number;
  readonly lines: readonly RawLogLine[];
  readonly offset: number;
}

/**
 * Reads a file's whole lines; undefined when there is no such file. `start` decides from the inode where to
 * begin: a name is not a file, because logs are rotated while they are read.
 */
export async function readLines(
  path: string,
  start: (inode: number) => number,
): Promise<ReadLines | undefined> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { size, ino: inode } = await file.stat();
    let offset = start(inode);
    if (size <= offset) return { inode, lines: [], offset };
    const lines: RawLogLine[] = [];
    const input = file.createReadStream({ start: offset, end: size - 1, autoClose: false });
    for await (const text of createInterface({ input, crlfDelay: 0 })) {
      const bytes = Buffer.byteLength(text) + 1;
      if (offset + bytes > size) break; // not ended by a line break yet
      offset += bytes;
      const line = parseLogLine(text);
      if (line !== undefined) lines.push(line);
    }
    return { inode, lines, offset };
  } finally {
    await file.close();
  }
}

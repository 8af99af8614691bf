import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";

/** A build's log file that cannot grow without end: its beginning and its end are kept. */
export interface BoundedLog {
  /** False once the beginning is full: the line will only be in the file if it is among the last. */
  write(line: string): boolean;
  /** The last lines written. */
  tail(count: number): readonly string[];
  /** Writes the end and closes the file; may be called twice. */
  close(): Promise<void>;
}

export interface LogLimits {
  /** Bytes kept from the beginning, and as many from the end. */
  readonly headBytes: number;
  readonly tailBytes: number;
}

const defaultLogLimits: LogLimits = Object.freeze({ headBytes: 5_000_000, tailBytes: 5_000_000 });

const rememberedLines = 50;

/** Creates the file, 0600. The end is held in memory until `close`, because nobody knows where it begins. */
export function openBoundedLog(path: string, limits: LogLimits = defaultLogLimits): BoundedLog {
  const stream = createWriteStream(path, { mode: 0o600 });
  // A full disk must not end the build; the file is then shorter.
  let isBroken = false;
  stream.on("error", () => (isBroken = true));
  const recent: string[] = [];
  let headLeft = limits.headBytes;
  let end: string[] = [];
  let endBytes = 0;
  let droppedLines = 0;
  let droppedBytes = 0;
  let closing: Promise<void> | undefined;

  const keepInEnd = (line: string, bytes: number): void => {
    end.push(line);
    endBytes += bytes;
    // Not at every line: taking one from the front of a long array is slow.
    if (endBytes > limits.tailBytes * 1.5) dropSurplus();
  };
  const dropSurplus = (): void => {
    let cut = 0;
    for (; cut < end.length && endBytes > limits.tailBytes; cut++) {
      const size = Buffer.byteLength(end[cut] ?? "") + 1;
      endBytes -= size;
      droppedBytes += size;
    }
    droppedLines += cut;
    end = end.slice(cut);
  };

  return {
    write(line) {
      recent.push(line);
      if (recent.length > rememberedLines * 2) recent.splice(0, rememberedLines);
      const bytes = Buffer.byteLength(line) + 1;
      if (headLeft >= bytes) {
        headLeft -= bytes;
        if (!isBroken) stream.write(`${line}\n`);
        return true;
      }
      headLeft = 0;
      keepInEnd(line, bytes);
      return false;
    },
    tail: (count) => recent.slice(-Math.min(count, rememberedLines)),
    close() {
      closing ??= (async () => {
        dropSurplus();
        if (droppedLines > 0) stream.write(`… ${droppedLines} lines (${droppedBytes} bytes) left out …\n`);
        for (const line of end) if (!isBroken) stream.write(`${line}\n`);
        stream.end();
        await finished(stream).catch(() => undefined);
      })();
      return closing;
    },
  };
}

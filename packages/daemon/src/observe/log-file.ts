/** One line as the shim writes it: `<time> <stream> <text>`. */
export interface RawLogLine {
  readonly time: string;
  readonly stream: "out" | "err" | "shim" | "pre" | "post";
  readonly text: string;
}

/** Parses one line; undefined for anything the shim did not write (a line cut by a crash of the machine). */
export function parseLogLine(line: string): RawLogLine | undefined {
  // A `+` marks the further pieces of a line that was too long.
  const match = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (?:(out|err|pre|post)\+?|(shim)) ?(.*)$/s.exec(line);
  if (match === null) return undefined;
  const [, time = "", output, remark, text = ""] = match;
  return { time, stream: (output ?? remark) as RawLogLine["stream"], text };
}

/** The files of one log, newest first: `app.log, app.log.1 … app.log.4`. */
export function planLogFiles(path: string, rotated: number): readonly string[] {
  return [path, ...Array.from({ length: rotated }, (_, index) => `${path}.${index + 1}`)];
}

/** Texts of times that sort as the times do, whatever their precision. */
export function timeKey(time: string): string {
  const bare = time.slice(0, -1);
  return (bare.includes(".") ? bare : `${bare}.`).padEnd(29, "0");
}

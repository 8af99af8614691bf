import { formatFunctionLog, parseFunctionLog, type LogLine } from "@bloomery/contract";
import type { Output, Style } from "../output/output.js";

/** Knows which lines were printed, so that a second reading goes on where the first was broken off. */
export interface LogMemory {
  /** False for a line that an earlier reading has printed; remembers it otherwise. */
  isNew(line: LogLine): boolean;
  /**
   * From when to read again, ISO with milliseconds. Times of lines are finer: this is the millisecond before the
   * last line's, and what comes again is known. Undefined: nothing was printed yet.
   */
  resumeFrom(): string | undefined;
}

export function createLogMemory(): LogMemory {
  let last = -1;
  /** Millisecond → how often each of its lines was printed: an app may well say the same twice. */
  const printed = new Map<number, Map<string, number>>();
  let again = new Map<string, number>();
  return {
    isNew(line) {
      const key = `${line.time} ${line.type} ${line.instance} ${line.stream} ${line.text}`;
      const seen = again.get(key) ?? 0;
      if (seen > 0) {
        again.set(key, seen - 1);
        return false;
      }
      const at = Date.parse(line.time);
      last = Math.max(last, at);
      for (const old of printed.keys()) if (old < last - 1) printed.delete(old);
      if (at < last - 1) return true;
      const lines = printed.get(at) ?? new Map<string, number>();
      printed.set(at, lines.set(key, (lines.get(key) ?? 0) + 1));
      return true;
    },
    resumeFrom() {
      again = new Map([...printed.values()].flatMap((lines) => [...lines]));
      return last < 0 ? undefined : new Date(last - 1).toISOString();
    },
  };
}

const colors: readonly Style[] = ["cyan", "green", "magenta", "blue", "yellow"];

/** `12:00:00.123 v3 i-7k2m9xq4wz3b | text`, the head in a colour of its source's own. */
export function formatLogLine(line: LogLine, output: Pick<Output, "paint">): string {
  const source = describeSource(line);
  let sum = 0;
  for (const letter of line.instance ?? source) sum = (sum * 31 + letter.charCodeAt(0)) % 9973;
  const version = line.version === null ? [] : [`v${line.version}`];
  const head = [line.time.slice(11, 23), ...version, source].join(" ");
  const painted = output.paint(colors[sum % colors.length] ?? "cyan", head);
  if (line.stream === "platform") return `${painted} | ${output.paint("dim", `[${line.text}]`)}`;
  const said = line.execution === null ? undefined : parseFunctionLog(line.text);
  // What a handler says through its context is no complaint for coming on stderr.
  const isBad =
    said === undefined ? line.stream === "stderr" || line.type === "error" : said.level === "error";
  const text = said === undefined ? line.text : `${formatFunctionLog(said)}  ${said.execution}`;
  return `${painted} ${isBad ? output.paint("red", "|") : "|"} ${text}`;
}

/** Who speaks: an instance, one of its hooks, a hook of the deployment, nginx or a build. */
function describeSource({ type, stream, instance }: LogLine): string {
  const hook = type === "hooks" && stream !== "platform" ? [stream] : [];
  return [...(instance === null ? [] : [instance]), ...hook].join(" ") || type;
}

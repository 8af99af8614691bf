/** What nginx tells of a connection to a tcp port. `session` is its worker's pid and the number it has there. */
export type StreamLine =
  | {
      readonly kind: "client";
      readonly session: string;
      /** Address and port, as nginx writes them: `192.0.2.7:5555`, `[2001:db8::7]:5555`. */
      readonly peer: string;
      /** The address it came to. */
      readonly listen: string;
      /** Milliseconds since 1970, with the precision of a second. */
      readonly at: number;
    }
  | {
      readonly kind: "upstream";
      readonly session: string;
      /** Our end of the connection to the app. */
      readonly local: string;
      /** The app's end, or `unix:` and a path. */
      readonly target: string;
    }
  | { readonly kind: "end"; readonly session: string };

const time = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d) \[/;
const digits = /^\d{1,20}$/;
const joint = " connected to ";
/** An upstream that failed is no end: the next one may be tried. */
const ends = [
  "client disconnected",
  "upstream disconnected",
  "connection timed out (",
  "shutdown timeout",
  "no live upstreams",
  "limiting connections",
  "access forbidden",
];

/**
 * One line of the log of nginx's `stream` block, written with the level info; undefined for all that is of no use here.
 * A daemon that starts may find millions of lines, so they are not taken apart further than needed.
 */
export function readStreamLine(line: string): StreamLine | undefined {
  // 2026/11/22 05:38:13 [info] 29869#29869: *12 client …
  const level = line.indexOf("] ", 20);
  const thread = line.indexOf("#", level);
  const number = line.indexOf(": *", thread);
  const words = line.indexOf(" ", number + 3);
  if (level === -1 || thread === -1 || number === -1 || words === -1) return undefined;
  const [worker, own] = [line.slice(level + 2, thread), line.slice(number + 3, words)];
  if (!digits.test(worker) || !digits.test(own)) return undefined;
  return readWords(line, line.slice(words + 1), `${worker}-${own}`);
}

function readWords(line: string, words: string, session: string): StreamLine | undefined {
  if (ends.some((begin) => words.startsWith(begin))) return { kind: "end", session };
  const side = words.startsWith("client ") ? "client" : words.startsWith("proxy ") ? "proxy" : undefined;
  const middle = words.indexOf(joint);
  if (side === undefined || middle === -1) return undefined;
  const [from, to] = [words.slice(side.length + 1, middle), words.slice(middle + joint.length)];
  if (side === "proxy") return { kind: "upstream", session, local: from, target: to };
  const at = readTime(line);
  return at === undefined ? undefined : { kind: "client", session, peer: from, listen: to, at };
}

/** nginx writes the machine's own time. */
function readTime(line: string): number | undefined {
  const match = time.exec(line);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  return new Date(year, month - 1, day, hour, minute, second).getTime();
}

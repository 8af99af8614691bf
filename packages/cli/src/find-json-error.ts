/** A place in a text, counted from 1, and what should be there. */
export interface JsonError {
  readonly line: number;
  readonly column: number;
  readonly expected: string;
}

type State = "value" | "first element" | "first key" | "key" | "colon" | "after";

const expected: Readonly<Record<State, string>> = {
  value: "a value",
  "first element": "a value or `]`",
  "first key": "a key in double quotes or `}`",
  key: "a key in double quotes",
  colon: "`:`",
  after: "`,` or the closing bracket",
};
const space = /[ \t\n\r]*/y;
const word = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** Where a text stops being JSON; undefined when it is JSON. The words of `JSON.parse` do not always say where. */
export function findJsonError(text: string): JsonError | undefined {
  const open: ("{" | "[")[] = [];
  let state: State = "value";
  let at = 0;
  for (;;) {
    at = skip(space, text, at) ?? at;
    if (state === "after" && open.length === 0)
      return at === text.length ? undefined : place(text, at, "the end");
    const next = step(text, at, state, open);
    if (typeof next === "string") return place(text, at, next);
    if (next.broken !== undefined) return place(text, next.at, next.broken);
    ({ at, state } = next);
  }
}

interface Step {
  readonly at: number;
  readonly state: State;
  /** What a text that has begun lacks at `at`. */
  readonly broken?: string;
}

/** Reads one sign; or says what should be there instead. */
function step(text: string, at: number, state: State, open: ("{" | "[")[]): Step | string {
  const sign = text[at];
  switch (state) {
    case "colon":
      return sign === ":" ? { at: at + 1, state: "value" } : expected.colon;
    case "after": {
      const inside = open.at(-1);
      if (sign === ",") return { at: at + 1, state: inside === "{" ? "key" : "value" };
      if (sign !== (inside === "{" ? "}" : "]")) return `\`,\` or \`${inside === "{" ? "}" : "]"}\``;
      open.pop();
      return { at: at + 1, state: "after" };
    }
    case "first key":
    case "key":
      if (state === "first key" && sign === "}") return close(open, at);
      return sign === '"' ? readText(text, at, "colon") : expected[state];
    case "first element":
      if (sign === "]") return close(open, at);
      return readValue(text, at, state, open);
    case "value":
      return readValue(text, at, state, open);
  }
}

function close(open: ("{" | "[")[], at: number): Step {
  open.pop();
  return { at: at + 1, state: "after" };
}

function readValue(text: string, at: number, state: State, open: ("{" | "[")[]): Step | string {
  const sign = text[at];
  if (sign === '"') return readText(text, at, "after");
  if (sign === "{" || sign === "[") {
    open.push(sign);
    return { at: at + 1, state: sign === "{" ? "first key" : "first element" };
  }
  const end = skip(word, text, at);
  return end === undefined ? expected[state] : { at: end, state: "after" };
}

/** A text in quotes, from the first to behind the last. */
function readText(text: string, start: number, state: State): Step {
  let at = start + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return { at: at + 1, state };
    if (Number.isNaN(code)) return { at, state, broken: "the closing quote" };
    if (code < 0x20)
      return { at, state, broken: "an escape such as \\n, as control characters may not stand in a text" };
    const end = code === 0x5c ? skip(escape, text, at) : at + 1;
    if (end === undefined) return { at, state, broken: "an escape that JSON knows" };
    at = end;
  }
}

/** Behind what matches here; undefined when nothing does. */
function skip(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

function place(text: string, at: number, what: string): JsonError {
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1, expected: what };
}

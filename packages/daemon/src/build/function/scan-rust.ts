/** Where something stands in a source file, 1-based. */
export interface RustPlace {
  readonly line: number;
  readonly column: number;
}

/** The places of all `#[ignite::main]` that are code: not in a comment, not in a text. */
export function findMainAttributes(text: string): RustPlace[] {
  return findAll(text, /#\s*\[\s*(?:::\s*)?ignite\s*::\s*main\b/g);
}

/** The place of the first `fn handler`, for advice. */
export function findHandlerFunction(text: string): RustPlace | null {
  return findAll(text, /\bfn\s+handler\b/g)[0] ?? null;
}

function findAll(text: string, pattern: RegExp): RustPlace[] {
  return [...blankRust(text).matchAll(pattern)].map(({ index }) => {
    const before = text.slice(0, index).split("\n");
    return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
  });
}

/** What may hide other text, in the order in which it must be tried at one place. */
const hiding: readonly RegExp[] = [
  /\/\/[^\n]*/y,
  /(?:\b[bc])?r(#*)"[^]*?(?:"\1|$)/y,
  /(?:\b[bc])?"(?:[^"\\]|\\[^])*(?:"|$)/y,
  // A letter between quotes; a lifetime has no second quote there.
  /b?'(?:\\(?:u\{[^}']*\}|x[0-9A-Fa-f]{2}|[^])|[^\\'\n])'/uy,
];

/** The text with comments and literals replaced by blanks, every line and column where it was. */
export function blankRust(text: string): string {
  const parts: string[] = [];
  let plain = 0;
  const blank = (from: number, to: number): number => {
    parts.push(text.slice(plain, from), text.slice(from, to).replace(/[^\n]/g, " "));
    return (plain = to);
  };
  for (let at = 0; at < text.length;) {
    const end = text.startsWith("/*", at) ? endOfComment(text, at) : endOfHidden(text, at);
    at = end === null ? nextStart(text, at + 1) : blank(at, end);
  }
  return parts.join("") + text.slice(plain);
}

function endOfHidden(text: string, at: number): number | null {
  // `r` at the end of a word begins no raw text.
  const isInWord = at > 0 && /[\w]/.test(text[at - 1] ?? "") && /[bcr]/.test(text[at] ?? "");
  if (isInWord) return null;
  for (const pattern of hiding) {
    pattern.lastIndex = at;
    if (pattern.test(text)) return pattern.lastIndex;
  }
  return null;
}

/** Comments of this kind nest. */
function endOfComment(text: string, at: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = at;
  for (let depth = 0, mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return text.length;
}

/** The next place where something hidden can begin. */
function nextStart(text: string, from: number): number {
  const starts = /["'/bcr]/g;
  starts.lastIndex = from;
  return starts.exec(text)?.index ?? text.length;
}

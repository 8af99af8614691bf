import { readPattern } from "./read-pattern.js";
import { quoteNginx } from "./quote-nginx.js";

/** nginx knows no captures beyond the ninth. */
const mostCaptures = 9;

interface Piece {
  readonly text: string;
  /** Number of the group whose match stands here. */
  readonly capture?: number;
}

/** A passthru's address in pieces: plain text and what a rule's expression has caught. */
export function readTarget(
  target: string,
  pattern: string | null,
): { readonly path: readonly Piece[]; readonly query: readonly Piece[] } {
  const at = target.indexOf("?");
  const split = (text: string): readonly Piece[] => splitCaptures(text, pattern);
  return at < 0
    ? { path: split(target), query: [] }
    : { path: split(target.slice(0, at)), query: split(target.slice(at + 1)) };
}

function splitCaptures(text: string, pattern: string | null): readonly Piece[] {
  if (pattern === null) return [{ text }];
  const { names, groups } = readPattern(pattern);
  return text.split(/(\$\{\w+\}|\$[A-Za-z_]\w*|\$[1-9])/).flatMap((part, index): readonly Piece[] => {
    if (part === "") return [];
    if (index % 2 === 0) return [{ text: part }];
    const name = part.replace(/[${}]/g, "");
    const number = /^\d$/.test(name) ? Number(name) : names.get(name);
    const isKnown = number !== undefined && number <= Math.min(groups, mostCaptures);
    return [isKnown ? { text: part, capture: number } : { text: part }];
  });
}

/** Whether the address changes with what the rule's expression has caught. */
export function hasCaptures(target: string, pattern: string | null): boolean {
  const { path, query } = readTarget(target, pattern);
  return [...path, ...query].some(({ capture }) => capture !== undefined);
}

/**
 * The directives that lead a request to another address of the app. nginx appends the original query to the
 * target's own, and escapes numbered captures in a query, which it does not do with variables.
 */
export function planRewrite(target: string, pattern: string | null): readonly string[] {
  const { path, query } = readTarget(target, pattern);
  const isMoving = hasCaptures(target, pattern) && pattern !== null;
  const regex = isMoving ? readPattern(pattern).pattern : "^";
  const text = `${writePieces(path, decodePath)}${query.length > 0 ? `?${writePieces(query, keep)}` : ""}`;
  return [
    'set $bloom_uri "";',
    "set $bloom_moved 1;",
    `rewrite ${quoteNginx(regex)} "${text}";`,
    // What was caught may make two dots a step upwards, which nginx looks for only in what clients send.
    ...(path.some(({ capture }) => capture !== undefined) ? ["if ($bloom_climbs) { return 404; }"] : []),
  ];
}

function writePieces(pieces: readonly Piece[], decode: (text: string) => string): string {
  return pieces
    .map(({ text, capture }) => (capture === undefined ? escape(decode(text)) : `$${capture}`))
    .join("");
}

function escape(text: string): string {
  return quoteNginx(text).slice(1, -1).replaceAll("$", "${bloom_dollar}");
}

/** nginx keeps paths decoded; queries as they are written. */
function decodePath(text: string): string {
  try {
    const decoded = decodeURIComponent(text);
    return /[\0?]/.test(decoded) ? text : decoded;
  } catch {
    return text;
  }
}

function keep(text: string): string {
  return text;
}

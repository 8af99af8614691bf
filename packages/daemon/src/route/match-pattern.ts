import { createContext, Script } from "node:vm";
import { readPattern } from "./read-pattern.js";

/** What an expression has caught, by the group's number; null: it does not match. */
export type Match = readonly (string | undefined)[] | null;

/**
 * Matches as nginx does, byte by byte. Undefined where the expression has something that only nginx's own engine
 * knows, such as possessive quantifiers or recursion, and where it takes too long.
 */
export function matchPattern(pattern: string, path: string): Match | undefined {
  const expression = translate(pattern);
  if (expression === undefined) return undefined;
  const match = execute(expression, toBytes(path));
  if (match === undefined) return undefined;
  return match === null ? null : [...match].map((one) => (one === undefined ? undefined : toText(one)));
}

const limitMs = 100;
const script = new Script("expression.exec(text)");
const context: { expression?: RegExp; text?: string } = createContext({});

/** An expression that explodes must not stop the whole daemon. */
function execute(expression: RegExp, text: string): readonly (string | undefined)[] | null | undefined {
  try {
    Object.assign(context, { expression, text });
    return script.runInContext(context, { timeout: limitMs }) as RegExpExecArray | null;
  } catch {
    return undefined;
  }
}

function translate(pattern: string): RegExp | undefined {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const body = readPattern(pattern.slice(flags?.[0].length ?? 0)).pattern;
  const text = toBytes(body)
    .replaceAll("(?P<", "(?<")
    .replace(/\\[\s\S]|\$/g, (token) => same[token] ?? token);
  // These mean something else to JavaScript, or nothing.
  if (/\\[QEGKRXCHVNZ]|[*+?}]\+|\(\?[>|#R&+\-\d(]|\(\?[a-zA-Z^-]+[):]|\(\*|\[\[:|\[\]/.test(text))
    return undefined;
  try {
    return new RegExp(text, flags?.[1] ?? "");
  } catch {
    return undefined;
  }
}

/** The end of a text is before its last newline, too. */
const same: Readonly<Record<string, string>> = {
  $: "(?=\\n?$)",
  "\\A": "^",
  "\\z": "$",
  "\\h": "[ \\t]",
  "\\a": "\\x07",
  "\\e": "\\x1b",
};

function toBytes(text: string): string {
  return Buffer.from(text).toString("latin1");
}

function toText(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString();
}

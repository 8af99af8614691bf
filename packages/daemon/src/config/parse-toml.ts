import { parse, TomlError } from "smol-toml";
import { locateToml } from "./locate-toml.js";
import type { Parsed } from "./parse-yaml.js";
import { fileProblem, tooDeep, type Source } from "./source.js";

const deepest = 100;

/** Reads TOML with the place of every key and value. Never throws; the parser stops at its first error. */
export function parseToml(file: string, text: string): Parsed {
  try {
    const value = parse(text, { maxDepth: deepest });
    if (isDeeper(value, deepest)) return { source: null, problems: [fileProblem(file, tooDeep)] };
    const source: Source = { file, format: "toml", value, places: locateToml(text), prefix: [] };
    return { source, problems: [] };
  } catch (error) {
    if (!(error instanceof TomlError) && !(error instanceof RangeError)) throw error;
    const place = error instanceof TomlError ? { line: error.line, column: error.column } : undefined;
    const line = text.split("\n")[(place?.line ?? 1) - 1] ?? "";
    return { source: null, problems: [fileProblem(file, describeTomlError(error, line), place)] };
  }
}

/** The mistakes people make, in their words; the parser's own sentence serves for the others. */
const words: readonly (readonly [RegExp, string])[] = [
  [/redefine/, "the key or table is written twice; keep one of them"],
  [/unfinished string/, "a text in quotes has no end; write the closing quote"],
  [/unfinished (?:array|table)/, "a bracket has no end; close it"],
  [/^invalid value/, 'this is not a value; put texts in double quotes, as in `key = "value"`'],
  [/cannot find end of key/, "a key without `=`; write `key = value`"],
  [/end-of-line/, "more text follows a value; write one `key = value` on a line"],
  [
    /illegal character in key|illegal empty bare key/,
    "a key may have letters, digits, - and _; put others in quotes",
  ],
  [
    /unrecognised escape/,
    "an unknown escape in double quotes; write \\\\ for a backslash, or use single quotes",
  ],
  [/nested structures/, tooDeep],
];

/** The parser's own limit leaves out dotted keys. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

function describeTomlError(error: Error, line: string): string {
  if (error instanceof RangeError) return tooDeep;
  if (/^\s*\[[^\]#]*$/.test(line)) return "a table's name has no end; close it with ]";
  const [first = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
  return words.find(([pattern]) => pattern.test(first))?.[1] ?? `this is not TOML: ${first}; check the line`;
}

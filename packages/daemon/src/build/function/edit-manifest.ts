import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "smol-toml";
import { locateToml } from "../../config/locate-toml.js";
import { parseTable, type TomlTable } from "../toml-table.js";

export type TomlValue = string | boolean | readonly TomlValue[] | { readonly [key: string]: TomlValue };

/** One key to set, or one table to append to a list of tables. */
export interface ManifestEdit {
  readonly path: readonly string[];
  readonly value: TomlValue;
  readonly append?: boolean;
}

/**
 * The manifest with these edits. Lines stay where they were as far as possible, so that what cargo says about a line
 * is true of the file as its author knows it: what is new comes at the end. Where the text cannot be changed in that
 * way (tables written inline, over several lines), the whole file is written anew.
 */
export function editManifest(text: string, edits: readonly ManifestEdit[]): string {
  if (edits.length === 0) return text;
  const wanted = editTable(parse(text), edits);
  const edited = editText(text, edits);
  return isDeepStrictEqual(parseTable(edited), wanted) ? edited : stringify(wanted);
}

/** The same edits on the data. */
function editTable(table: TomlTable, edits: readonly ManifestEdit[]): TomlTable {
  const result = structuredClone(table) as Record<string, unknown>;
  for (const { path, value, append } of edits) {
    const last = path.at(-1) ?? "";
    let at = result;
    for (const name of path.slice(0, -1)) at = (at[name] ??= {}) as Record<string, unknown>;
    if (append === true) at[last] = [...((at[last] as unknown[] | undefined) ?? []), value];
    else at[last] = value;
  }
  return parse(stringify(result));
}

function editText(text: string, edits: readonly ManifestEdit[]): string {
  const places = locateToml(text);
  const lines = text.split("\n");
  const inserted = new Map<number, string[]>();
  const added: string[] = [];
  for (const { path, value, append } of edits) {
    const name = path.map(formatKey).join(".");
    const pair = `${formatKey(path.at(-1) ?? "")} = ${formatValue(value)}`;
    if (append === true) {
      added.push("", `[[${name}]]`, ...formatPairs(value));
    } else if (places.has(path)) {
      replacePair(lines, places.find(path, "key").line, pair);
    } else if (isTable(value)) {
      added.push("", `[${name}]`, ...formatPairs(value));
    } else {
      const parent = path.slice(0, -1);
      const header = findHeader(lines, parent);
      if (header === null) added.push("", `[${parent.map(formatKey).join(".")}]`, pair);
      else inserted.set(header, [...(inserted.get(header) ?? []), pair]);
    }
  }
  const kept = lines.flatMap((line, index) => [line, ...(inserted.get(index) ?? [])]);
  while (kept.at(-1)?.trim() === "") kept.pop();
  const note = added.length === 0 ? [] : ["", "# Added for the build."];
  return [...kept, ...note, ...added, ""].join("\n");
}

/** Only a pair alone on its line; whether that was right shows when the text is read again. */
function replacePair(lines: string[], line: number, pair: string): void {
  const old = lines[line - 1] ?? "";
  const indent = /^\s*/.exec(old)?.[0] ?? "";
  lines[line - 1] = `${indent}${pair}`;
}

function findHeader(lines: readonly string[], path: readonly string[]): number | null {
  const index = lines.findIndex((line) => {
    const name = /^\s*\[([^[\]]+)\]\s*(?:#.*)?$/.exec(line)?.[1];
    return name !== undefined && name.split(".").map(unquote).join("\0") === path.join("\0");
  });
  return index < 0 ? null : index;
}

const unquote = (name: string): string => name.trim().replace(/^(["'])(.*)\1$/, "$2");

function formatPairs(value: TomlValue): string[] {
  if (!isTable(value)) return [];
  return Object.entries(value).map(([key, inner]) => `${formatKey(key)} = ${formatValue(inner)}`);
}

function formatKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

function formatValue(value: TomlValue): string {
  if (isTable(value)) return `{ ${formatPairs(value).join(", ")} }`;
  // JSON's way of writing texts is TOML's as well, but for this one character.
  if (!Array.isArray(value)) return JSON.stringify(value).replaceAll("\x7f", "\\u007f");
  return `[${(value as readonly TomlValue[]).map(formatValue).join(", ")}]`;
}

function isTable(value: TomlValue): value is { readonly [key: string]: TomlValue } {
  return typeof value === "object" && !Array.isArray(value);
}

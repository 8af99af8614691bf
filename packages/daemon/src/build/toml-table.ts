import { parse } from "smol-toml";

export type TomlTable = Readonly<Record<string, unknown>>;

/** Null for a text that is not TOML. */
export function parseTable(text: string): TomlTable | null {
  try {
    return parse(text);
  } catch {
    return null;
  }
}

/** The value when it is a table, else an empty one. */
export function asTable(value: unknown): TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as TomlTable) : {};
}

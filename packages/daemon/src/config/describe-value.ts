import type { Format } from "./source.js";

const longest = 40;

/** What stands in the file, as the end of "found …". */
export function describeValue(value: unknown, format: Format): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  if (typeof value === "object") return format === "yaml" ? "a mapping" : "a table";
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint")
    return String(value);
  if (typeof value !== "string") return "something else";
  if (value === "") return "an empty text";
  const [line = ""] = value.split("\n");
  const shown = line.length > longest || line !== value ? `${line.slice(0, longest)}…` : value;
  return JSON.stringify(shown);
}

/** A right value as it would be written in the file: `passthru: true`, `memory = "512MB"`. */
export function renderExample(key: string, value: unknown, format: Format): string {
  const text =
    format === "yaml"
      ? `${renderYaml(key)}: ${renderYaml(value)}`
      : `${renderKey(key)} = ${renderToml(value)}`;
  return text.includes('"') ? `\`${text}\`` : `"${text}"`;
}

function renderYaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(renderYaml).join(", ")}]`;
  if (isMap(value))
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${renderYaml(key)}: ${renderYaml(inner)}`)
      .join(", ")} }`;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint")
    return String(value);
  if (typeof value !== "string") return "something else";
  const isPlain = /^[A-Za-z0-9_./][A-Za-z0-9_./:@ -]*$/.test(value) && !/: |^\d+$/.test(value);
  return isPlain ? value : `'${value.replaceAll("'", "''")}'`;
}

function renderToml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(renderToml).join(", ")}]`;
  if (isMap(value))
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${renderKey(key)} = ${renderToml(inner)}`)
      .join(", ")} }`;
  return JSON.stringify(value);
}

function renderKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

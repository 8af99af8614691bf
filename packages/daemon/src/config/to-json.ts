import type { JsonValue } from "@bloomery/contract";

/** What a manifest holds as JSON, with keys in order, so that the same content is the same text. */
export function toJson(value: unknown): JsonValue {
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    return Object.fromEntries(
      entries.sort(([one], [other]) => (one < other ? -1 : 1)).map(([key, inner]) => [key, toJson(inner)]),
    );
  }
  if (typeof value === "string" || typeof value === "boolean") return value;
  // JSON has no infinity.
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

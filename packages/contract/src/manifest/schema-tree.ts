import { z } from "zod";
import { unwrapSchema } from "./key-meta.js";

/** A path inside a manifest: keys of maps and indexes of lists. */
export type ManifestPath = readonly (string | number)[];

/** The named keys of an object schema; null for anything else. */
export function keysOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | null {
  const inner = unwrapSchema(schema);
  return inner instanceof z.ZodObject ? inner.shape : null;
}

/** The schema of the values of a map or of the items of a list; null for anything else. */
export function elementOf(schema: z.ZodType): z.ZodType | null {
  const inner = unwrapSchema(schema);
  if (inner instanceof z.ZodRecord) return inner.valueType as z.ZodType;
  return inner instanceof z.ZodArray ? (inner.element as z.ZodType) : null;
}

/** The schema one step below, or null when this key is not known there. */
export function childSchema(schema: z.ZodType, step: string | number): z.ZodType | null {
  const keys = keysOf(schema);
  if (keys === null) return elementOf(schema);
  return Object.hasOwn(keys, step) ? (keys[step] ?? null) : null;
}

/** The schema at a path, or null. */
export function schemaAt(schema: z.ZodType, path: ManifestPath): z.ZodType | null {
  let current: z.ZodType | null = schema;
  for (const step of path) {
    if (current === null) return null;
    current = childSchema(current, step);
  }
  return current;
}

/** `web.locations./.passthru`, `tcp[0].port`: a path as messages write it, on one line whatever a key holds. */
export function formatManifestPath(path: ManifestPath): string {
  return path
    .map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join("")
    .replace(/[\p{Cc}\u2028\u2029]/gu, escape);
}

function escape(character: string): string {
  return character === "\n" ? "\\n" : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

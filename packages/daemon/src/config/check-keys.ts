import {
  childSchema,
  formatManifestPath,
  keyMetaOf,
  keysOf,
  type ManifestPath,
  type Problem,
} from "@bloomery/contract";
import type { z } from "zod";
import { problemAt, type Severity, type Source } from "./source.js";
import { suggestNear } from "./suggest-near.js";

/** How a manifest treats keys it does not know. */
export interface KeyPolicy {
  readonly unknownKey: Severity;
}

/** Nobody reads more than this, and a file of junk could have a remark for each of its thousands of keys. */
const mostRemarks = 100;

/** Remarks about keys: unknown ones, and those that take effect later. */
export function checkKeys(schema: z.ZodType, source: Source, policy: KeyPolicy): Problem[] {
  const problems: Problem[] = [];
  walk(schema, source.value, [], false);
  return problems;

  function walk(here: z.ZodType, value: unknown, path: ManifestPath, isLater: boolean): void {
    for (const [step, inner] of childrenOf(value)) {
      if (problems.length >= mostRemarks) return;
      const child = childSchema(here, step);
      const below = [...path, step];
      if (child === null) {
        if (keysOf(here) !== null && typeof step === "string") {
          problems.push(
            problemAt(source, policy.unknownKey, below, describeUnknown(here, step, path, policy), "key"),
          );
        }
        continue;
      }
      // One remark for a whole part of the file is enough.
      const remark = isLater || inner === null ? null : remarkOn(child, inner);
      if (remark !== null) problems.push(problemAt(source, "warning", below, remark, "key"));
      walk(child, inner, below, isLater || keyMetaOf(child)?.effect === "later");
    }
  }
}

function childrenOf(value: unknown): [string | number, unknown][] {
  if (Array.isArray(value)) return [...value.entries()];
  if (typeof value !== "object" || value === null || value instanceof Date) return [];
  return Object.entries(value);
}

function remarkOn(schema: z.ZodType, value: unknown): string | null {
  const meta = keyMetaOf(schema);
  if (meta === undefined) return null;
  if (meta.effect === "later") return "this is accepted and takes effect in a later release";
  return meta.notYet?.(value) ?? null;
}

function describeUnknown(schema: z.ZodType, step: string, path: ManifestPath, policy: KeyPolicy): string {
  const known = Object.entries(keysOf(schema) ?? {})
    .filter(([, child]) => keyMetaOf(child)?.effect !== "old")
    .map(([name]) => name);
  const near = suggestNear(step, known) ?? findBelow(schema, step);
  const what = policy.unknownKey === "warning" ? "unknown key, it has no effect" : "unknown key";
  if (near !== undefined) return `${what}; did you mean "${near}"?`;
  const where = path.length === 0 ? "at the top" : `below ${formatManifestPath(path)}`;
  return known.length > 12 ? `${what}; remove it` : `${what}; known ${where}: ${known.join(", ")}`;
}

/** A key that exists under this very name, but deeper. */
function findBelow(schema: z.ZodType, step: string): string | undefined {
  const inner = Object.entries(keysOf(schema) ?? {}).filter(([, child]) => keysOf(child) !== null);
  const direct = inner.find(([, child]) => childSchema(child, step) !== null);
  if (direct !== undefined) return `${direct[0]}.${step}`;
  for (const [name, child] of inner) {
    const found = findBelow(child, step);
    if (found !== undefined) return `${name}.${found}`;
  }
  return undefined;
}

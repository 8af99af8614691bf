import { z } from "zod";

/**
 * When a key does something: `now`; `later`, accepted and checked, in effect in a later release;
 * `ignored`, meant for other languages; `old`, a form from earlier years that works like the key that replaced it.
 */
export type KeyEffect = "now" | "later" | "ignored" | "old";

/** What is known about a key besides its type. Messages and docs/manifest.md are made from it. */
export interface KeyMeta {
  /** One sentence for the reference. */
  readonly about: string;
  /** Ends the sentence "expected …". */
  readonly expected: string;
  /** A value that would be right, shown after "write". */
  readonly example: unknown;
  /** Of an entry of a map: what was written, as it would be right. It replaces `example` where it is defined. */
  readonly correct?: (name: string, written: unknown) => Readonly<Record<string, unknown>> | undefined;
  /** In words, as the reference prints it. */
  readonly default?: string;
  /** `now` when absent. */
  readonly effect?: KeyEffect;
  /** For keys of which only some values work yet: why this value does not, or null when it does. */
  readonly notYet?: (value: unknown) => string | null;
  /** What the keys of a map are, for the reference; `name` when absent. */
  readonly entry?: string;
  /** The key that has replaced an old one. */
  readonly instead?: string;
}

/** Everything said about keys, by schema. */
const keyMetas = z.registry<KeyMeta>();

/** An optional key of a manifest, with what is known about it. */
export function key<S extends z.ZodType>(schema: S, meta: KeyMeta): z.ZodOptional<S> {
  return z.optional(element(schema, meta));
}

/** The same for the values of a map and the items of a list. */
export function element<S extends z.ZodType>(schema: S, meta: KeyMeta): S {
  const described = schema.describe(meta.about);
  keyMetas.add(described, meta);
  return described;
}

/** What is known about a schema; wrappers such as `optional` are looked through. */
export function keyMetaOf(schema: z.ZodType): KeyMeta | undefined {
  return keyMetas.get(unwrapSchema(schema));
}

/** The schema inside `optional` and `nullable`. */
export function unwrapSchema(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodNullable)
    inner = inner.unwrap() as z.ZodType;
  return inner;
}

import {
  childSchema,
  keyMetaOf,
  keysOf,
  schemaAt,
  unwrapSchema,
  type ManifestPath,
  type Problem,
} from "@bloomery/contract";
import { z } from "zod";
import { describeValue, renderExample } from "./describe-value.js";
import { problemAt, type Source } from "./source.js";
import { suggestNear } from "./suggest-near.js";

const mostRounds = 10;

type Issue = z.core.$ZodIssue;

/** Data that fits the schema: parts that do not are reported and left out. */
export interface Checked<T> {
  readonly data: T;
  readonly problems: readonly Problem[];
}

/** Checks the types of all values. Nothing written (null) counts as absent. */
export function checkTypes<S extends z.ZodType>(
  schema: S,
  source: Source,
  empty: z.infer<S>,
): Checked<z.infer<S>> {
  const problems = new Map<string, Problem>();
  let value = withoutNothing(schema, source.value);
  // Each round takes something away; the limit only guards against a mistake here.
  for (let round = 0; round < mostRounds; round++) {
    const result = schema.safeParse(value ?? {});
    if (result.success) return { data: result.data, problems: [...problems.values()] };
    for (const issue of result.error.issues) {
      const path = toPath(issue.path);
      const problem = problemAt(source, "error", path, describeIssue(schema, source, issue));
      if (!problems.has(problem.path)) problems.set(problem.path, problem);
    }
    const paths = result.error.issues.map((issue) => toPath(issue.path));
    if (paths.some((path) => path.length === 0)) return { data: empty, problems: [...problems.values()] };
    value = paths.reduce<unknown>((rest, path) => without(rest, path), value);
  }
  return { data: empty, problems: [...problems.values()] };
}

function describeIssue(schema: z.ZodType, source: Source, issue: Issue): string {
  const path = toPath(issue.path);
  const value = path.reduce<unknown>((inner, step) => (isMap(inner) ? inner[step] : undefined), source.value);
  const found = describeValue(value, source.format);
  const at = schemaAt(schema, path);
  const meta = at === null ? undefined : keyMetaOf(at);
  if (path.length === 0 || at === null || meta === undefined) {
    return `expected keys with values, found ${found}; write ${renderExample("name", "my-app", source.format)}`;
  }
  const near = suggestChoice(at, value);
  if (near !== undefined) return `expected ${meta.expected}, found ${found}; did you mean "${near}"?`;
  const last = path.at(-1);
  const corrected = typeof last === "string" ? meta.correct?.(last, value) : undefined;
  const [right] = Object.entries(corrected ?? {});
  const example =
    right === undefined
      ? renderExampleAt(path, meta.example, source)
      : renderExample(...right, source.format);
  return `expected ${meta.expected}, found ${found}; write ${example}`;
}

/** The example for an item of a list is shown as a list. */
function renderExampleAt(path: ManifestPath, example: unknown, source: Source): string {
  const last = path.at(-1);
  if (typeof last !== "number") return renderExample(last ?? "", example, source.format);
  return renderExample(String(path.at(-2) ?? ""), [example], source.format);
}

function suggestChoice(schema: z.ZodType, value: unknown): string | undefined {
  const inner = unwrapSchema(schema);
  if (!(inner instanceof z.ZodEnum) || typeof value !== "string") return undefined;
  return suggestNear(value, inner.options.map(String));
}

/** Leaves out what is null; a location or a rule of which only the name is written has all defaults. */
function withoutNothing(schema: z.ZodType, value: unknown): unknown {
  if (!isMap(value) || Array.isArray(value) || value instanceof Date) return value;
  const isNamed = keysOf(schema) === null;
  const entries = Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    const child = childSchema(schema, key);
    if (inner === null) return isNamed && child !== null && keysOf(child) !== null ? [[key, {}]] : [];
    return [[key, child === null ? inner : withoutNothing(child, inner)]];
  });
  return Object.fromEntries(entries);
}

/** The value without what stands at the path. Of a list everything goes, so that indexes keep their meaning. */
function without(value: unknown, path: ManifestPath): unknown {
  const [step, ...rest] = path;
  if (!isMap(value) || Array.isArray(value) || step === undefined) return value;
  const inner = value[step];
  const goes = rest.length === 0 || !isMap(inner) || typeof rest[0] === "number";
  const others = Object.entries(value).filter(([key]) => key !== step);
  return Object.fromEntries(goes ? others : [...others, [step, without(inner, rest)]]);
}

function toPath(path: readonly PropertyKey[]): ManifestPath {
  return path.map((step) => (typeof step === "symbol" ? String(step) : step));
}

function isMap(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null;
}

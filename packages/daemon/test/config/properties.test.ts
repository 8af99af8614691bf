import { bloomTomlSchema, elementOf, keysOf, platformAppSchema, type Problem } from "@bloomery/contract";
import fc from "fast-check";
import { stringify as stringifyToml } from "smol-toml";
import { describe, expect, it } from "vitest";
import { stringify as stringifyYaml } from "yaml";
import type { z } from "zod";
import { loadConfig } from "../../src/config/index.js";
import { textFiles } from "./manifest-cases.js";

const crate = { "Cargo.toml": '[package]\nname = "a"\n', "src/main.rs": "fn main() {}\n" };

/** Pieces that get further into the parsers than random letters do. */
const yamlPieces = [
  "a",
  "web",
  "locations",
  ":",
  ": ",
  "- ",
  "\n",
  "\n  ",
  "  ",
  "\t",
  "&a ",
  "*a",
  "<<",
  "!include ",
  "!!set",
  "{",
  "}",
  "[",
  "]",
  ",",
  "'",
  '"',
  "|",
  ">",
  "#",
  "?",
  "---\n",
  "%YAML 1.1\n",
  "1",
  "~",
  ".x",
  "\r\n",
  "é",
  "\0",
  "\uFFFD",
];
const tomlPieces = [
  "a",
  "run",
  "port",
  "=",
  " = ",
  "[",
  "]",
  "[[",
  "]]",
  "{",
  "}",
  ".",
  ",",
  "\n",
  "\r\n",
  '"',
  '"""',
  "'",
  "'''",
  "\\",
  "\\u0041",
  "#",
  "1",
  "1.5",
  "true",
  "1979-05-27",
  " ",
  "\t",
  "é",
  "\0",
  "__proto__",
];

function textOf(pieces: readonly string[]) {
  return fc.oneof(
    fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join("")),
    fc.string({ unit: "binary", maxLength: 60 }),
  );
}

function check(texts: Record<string, string>): void {
  for (const more of [crate, {}]) {
    const { config, problems } = loadConfig(textFiles({ ...more, ...texts }));
    const hasErrors = problems.some(({ severity }) => severity === "error");
    expect(config === null).toBe(hasErrors);
    for (const problem of problems) expectInside(problem, texts[problem.file] ?? "");
  }
}

/** The end of the text is a place, too: that is where a missing bracket is missed. */
function expectInside({ line, column }: Problem, text: string): void {
  const lines = text.split("\n");
  expect(line).toBeGreaterThanOrEqual(1);
  expect(line).toBeLessThanOrEqual(lines.length);
  expect(column).toBeGreaterThanOrEqual(1);
  expect(column).toBeLessThanOrEqual((lines[line - 1] ?? "").length + 1);
}

describe("any text", () => {
  it.each([
    [".platform.app.yaml", yamlPieces],
    ["bloom.toml", tomlPieces],
    ["Cargo.toml", tomlPieces],
    ["rust-toolchain.toml", tomlPieces],
  ] as const)("as %s gives a config or problems inside the file", (file, pieces) => {
    const property = fc.property(textOf(pieces), (text) => check({ [file]: text }));
    expect(findCounterexample(property, 500)).toBeUndefined();
  });
});

describe("any value in any key", () => {
  const value = fc.jsonValue({ maxDepth: 3 });

  it.each([
    [".platform.app.yaml", platformAppSchema, stringifyYaml],
    ["bloom.toml", bloomTomlSchema, (data: object) => stringifyToml(withoutNulls(data) as object)],
  ] as const)("of %s gives a config or problems inside the file", (file, schema, stringify) => {
    const path = fc.constantFrom(...listPaths(schema));
    const entries = fc.array(fc.tuple(path, value), { minLength: 1, maxLength: 6 });
    const property = fc.property(entries, (pairs) => {
      const data: Record<string, unknown> = {};
      for (const [steps, inner] of pairs) put(data, steps, inner);
      check({ [file]: stringify(data) });
    });
    expect(findCounterexample(property, 400)).toBeUndefined();
  });
});

/** What `fc.assert` would throw, as a text. FUZZ_RUNS asks for a longer search. */
function findCounterexample<T>(property: fc.IProperty<T>, numRuns: number): string | undefined {
  const result = fc.check(property, { numRuns: Number(process.env["FUZZ_RUNS"] ?? numRuns) });
  return result.failed ? (fc.defaultReportMessage(result) ?? "failed") : undefined;
}

function put(data: Record<string, unknown>, [step = "", ...rest]: readonly string[], value: unknown): void {
  const inner = data[step];
  if (rest.length === 0) data[step] = value;
  else if (typeof inner === "object" && inner !== null) put(inner as Record<string, unknown>, rest, value);
  else put((data[step] = {}), rest, value);
}

/** TOML has no null. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((inner) => inner !== null).map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNulls(inner)]));
}

function listPaths(schema: z.ZodType, path: string[] = []): string[][] {
  const element = elementOf(schema);
  if (element !== null) return [[...path, "/x"], ...listPaths(element, [...path, "/x"])];
  return Object.entries(keysOf(schema) ?? {}).flatMap(([name, child]) => [
    [...path, name],
    ...listPaths(child, [...path, name]),
  ]);
}

import { bloomTomlSchema, elementOf, keyMetaOf, keysOf, platformAppSchema } from "@bloomery/contract";
import { stringify as stringifyToml } from "smol-toml";
import { describe, expect, it } from "vitest";
import { stringify as stringifyYaml } from "yaml";
import type { z } from "zod";
import { loadConfig } from "../../src/config/index.js";
import { textFiles } from "./manifest-cases.js";

/** Words of the libraries below, and of JavaScript, that say nothing to the reader. */
const jargon =
  /Invalid input|Invalid option|Unrecognized|union|undefined|\bnull\b|NaN|\[object|ZodError|received|Expected |\$\{/;

const wrongValues: unknown[] = [
  "",
  "lots",
  "--all",
  "a\nb",
  0,
  -5,
  1.5,
  1e12,
  true,
  [],
  ["a", 1],
  [[]],
  {},
  { a: 1 },
  { a: { b: [] } },
];

describe.each([
  [".platform.app.yaml", platformAppSchema, stringifyYaml],
  ["bloom.toml", bloomTomlSchema, stringifyToml],
] as const)("%s", (file, schema, stringify) => {
  const paths = listPaths(schema);

  it.each(paths.map((path) => [path.join(" ")] as const))("%s with wrong values", (joined) => {
    const path = joined.split(" ");
    for (const wrong of wrongValues) {
      const text = stringify(nest(path, wrong));
      const { config, problems } = loadConfig(
        textFiles({ [file]: text, "Cargo.toml": '[package]\nname = "a"', "src/main.rs": "" }),
      );
      expect(config === null).toBe(problems.some(({ severity }) => severity === "error"));
      for (const { message, line } of problems) {
        expect(message).not.toMatch(jargon);
        // What is wrong, then what to do about it.
        if (message.startsWith("expected"))
          expect(message).toMatch(/^expected .+, found .+; (?:write|did you mean) /s);
        expect(line).toBeLessThanOrEqual(text.split("\n").length);
      }
    }
  });
});

/** Every key, and one invented entry of every map. */
function listPaths(schema: z.ZodType, path: string[] = []): string[][] {
  const element = elementOf(schema);
  if (element !== null)
    return keyMetaOf(element) === undefined ? [] : [[...path, "/x"], ...listPaths(element, [...path, "/x"])];
  return Object.entries(keysOf(schema) ?? {}).flatMap(([name, child]) => [
    [...path, name],
    ...listPaths(child, [...path, name]),
  ]);
}

function nest(path: readonly string[], value: unknown): Record<string, unknown> {
  const [step = "", ...rest] = path;
  return { [step]: rest.length === 0 ? value : nest(rest, value) };
}

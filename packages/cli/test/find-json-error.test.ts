import fc from "fast-check";
import { expect, test } from "vitest";
import { findJsonError } from "../src/find-json-error.js";

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test("it finds a mistake exactly where JSON.parse finds one", () => {
  const nearlyJson = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom("", ",", "}", "]", '"', "\\", "0", " ", "\n", "\u0001", "-", "."),
    )
    .map(([text, where, sign]) => {
      const at = where % (text.length + 1);
      return text.slice(0, at) + sign + text.slice(at + 1);
    });
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string(), nearlyJson), (text) => {
      expect(findJsonError(text) === undefined).toBe(isJson(text));
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ["", 1, 1, "a value"],
  ["{message: hi}", 1, 2, "a key in double quotes or `}`"],
  ["{'a': 1}", 1, 2, "a key in double quotes or `}`"],
  ['{"a": hello}', 1, 7, "a value"],
  ['{"a" 1}', 1, 6, "`:`"],
  ['{"a": 1,}', 1, 9, "a key in double quotes"],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3, "`,` or `}`"],
  ["[1 2]", 1, 4, "`,` or `]`"],
  ["[1", 1, 3, "`,` or `]`"],
  ['{"a": "b', 1, 9, "the closing quote"],
  ['"a\\x"', 1, 3, "an escape that JSON knows"],
  ["01", 1, 2, "the end"],
  ["{} {}", 1, 4, "the end"],
])("%j: line %i, column %i, %s is expected", (text, line, column, expected) => {
  expect(findJsonError(text)).toEqual({ line, column, expected });
});

test("nesting deeper than any stack is no trouble", () => {
  expect(findJsonError("[".repeat(200_000))).toMatchObject({ column: 200_001 });
});

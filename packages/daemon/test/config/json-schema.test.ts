import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BloomError, type JsonValue } from "@bloomery/contract";
import { assertSchema, compileSchema, parseSchema } from "../../src/config/json-schema.js";

const schema: JsonValue = {
  type: "object",
  properties: { message: { type: "string" }, inner: { type: "object", properties: { n: { minimum: 1 } } } },
  required: ["message"],
  additionalProperties: false,
};

describe("compileSchema", () => {
  test.each([
    [{ message: "hi" }, []],
    [{}, ["/message"]],
    [{ message: 1 }, ["/message"]],
    [{ message: "hi", inner: { n: 0 } }, ["/inner/n"]],
    [{ message: "hi", "a/b~c": 0 }, ["/a~1b~0c"]],
    [[], [""]],
    [null, [""]],
  ])("%j: %j", (document, pointers) => {
    expect(compileSchema(schema, "input")(document).map((one) => one.pointer)).toEqual(pointers);
  });

  test("draft-07 and 2020-12 each by its own rules", () => {
    const items = { items: [{ type: "string" }] };
    const old = compileSchema({ $schema: "http://json-schema.org/draft-07/schema#", ...items }, "input");
    expect(old([1])).toHaveLength(1);
    const prefix = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      prefixItems: [{ type: "string" }],
    };
    expect(compileSchema(prefix, "input")([1])).toHaveLength(1);
    expect(() => compileSchema(items, "input")).toThrow(/items/);
  });

  test("schemas with the same $id do not see each other", () => {
    const make = (type: string) => compileSchema({ $id: "https://a.example/s", type }, "input");
    expect([make("string")(1).length, make("number")(1).length]).toEqual([1, 0]);
  });

  test("a document of many mistakes gives one of them", () => {
    const check = compileSchema({ items: { type: "string" } }, "input");
    expect(check(Array.from({ length: 100_000 }, () => 1))).toHaveLength(1);
  });
});

test.each<[string, JsonValue, RegExp]>([
  ["a type there is none of", { properties: { a: { type: "text" } } }, /at \/properties\/a\/type/],
  ["an expression that is none", { pattern: "(" }, /regular expression/i],
  ["a reference elsewhere", { $ref: "https://other.example/s" }, /other\.example/],
  ["a reference to nothing", { $ref: "#/$defs/none" }, /none/],
  ["another draft", { $schema: "http://json-schema.org/draft-04/schema#" }, /neither draft-07 nor 2020-12/],
  ["no object", [], /an object/],
  ["text", "string", /an object/],
])("%s is refused", (_what, wrong, message) => {
  const said = expect.stringMatching(message) as string;
  expect(() => assertSchema(wrong, "output")).toThrow(
    expect.objectContaining({ code: "ERR_SCHEMA_INVALID", message: said }),
  );
  expect(() => assertSchema(wrong, "output")).toThrow(/^the output schema/);
});

test("text is a schema, nothing, or an error of its own kind", () => {
  expect(parseSchema(" ", "input")).toBeNull();
  expect(parseSchema("true", "input")).toBe(true);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        parseSchema(text, "input");
      } catch (error) {
        expect(error).toBeInstanceOf(BloomError);
        expect(error).toMatchObject({ code: "ERR_SCHEMA_INVALID" });
      }
    }),
    { numRuns: 60 },
  );
});

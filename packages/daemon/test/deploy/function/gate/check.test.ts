import fc from "fast-check";
import { expect, test } from "vitest";
import { BloomError } from "@bloomery/contract";
import { checkInput, checkOutput } from "../../../../src/deploy/function/gate/check.js";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const inputSchema = { type: "object", properties: { message: { type: "string" } }, required: ["message"] };

test("a body that is as it should be, and a function without a schema", () => {
  expect(() => checkInput({ inputSchema }, bytes('{"message":"hi"}'))).not.toThrow();
  expect(() => checkInput({ inputSchema: null }, bytes("no JSON"))).not.toThrow();
  expect(() => checkOutput({ outputSchema: { type: "array" } }, bytes("[]"))).not.toThrow();
});

test.each([
  ['{"message":1}', "/message", "/message must be string"],
  ["{}", "/message", "must have required property"],
  ["[]", "", "the body must be object"],
  ["", "", "is no JSON"],
  ["message=hi", "", "is no JSON"],
  ['{"message":"hi"} {}', "", "is no JSON"],
])("%s", (body, pointer, message) => {
  expect(() => checkInput({ inputSchema }, bytes(body))).toThrow(
    expect.objectContaining({
      code: "ERR_INPUT_INVALID",
      message: expect.stringContaining(message),
      details: { pointer, details: expect.any(Array) },
    }),
  );
});

test("bytes that are no text", () => {
  const body = Uint8Array.of(0x22, 0xff, 0x22);
  expect(() => checkInput({ inputSchema: true }, body)).toThrow(/is no JSON/);
});

test("an answer is the function's fault", () => {
  expect(() => checkOutput({ outputSchema: { type: "array" } }, bytes("{}"))).toThrow(
    expect.objectContaining({ code: "ERR_OUTPUT_INVALID", status: 502 }),
  );
});

test("an expression that never ends is ended, and the next check is as ever", () => {
  const slow = { properties: { message: { pattern: "^(a+)+$" } } };
  const begin = performance.now();
  expect(() =>
    checkInput({ inputSchema: slow }, bytes(JSON.stringify({ message: `${"a".repeat(60)}b` }))),
  ).toThrow(
    expect.objectContaining({ code: "ERR_INPUT_INVALID", message: expect.stringContaining("100 ms") }),
  );
  expect(performance.now() - begin).toBeLessThan(1500);
  checkInput({ inputSchema: slow }, bytes('{"message":"aa"}'));
});

test("any bytes are fine or an error of the caller's", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
      try {
        checkInput({ inputSchema }, body);
      } catch (error) {
        expect(error).toBeInstanceOf(BloomError);
        expect(error).toMatchObject({ code: "ERR_INPUT_INVALID" });
      }
    }),
    { numRuns: 100 },
  );
});

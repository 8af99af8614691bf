import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ignite } from "../../src/index.js";

describe("the JSON of the Ignite surface", () => {
  test("64-bit numbers are text in answers and either in requests", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (number) => {
        expect(ignite.int64Text.parse(number)).toBe(String(number));
        expect(ignite.int64Text.parse(String(number))).toBe(String(number));
        expect(ignite.int64.parse(String(number))).toBe(number);
        expect(ignite.int64.parse(number)).toBe(number);
      }),
    );
  });

  test.each(["", "1.5", "1e3", "0x10", " 1", "one", "99999999999999999999", 1.5, null, true])(
    "%j is not a whole number",
    (value) => {
      expect(ignite.int64.safeParse(value).success).toBe(false);
    },
  );

  test("bytes are base64 both ways", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (data) => {
        const text = ignite.bytesText.parse(data);
        expect(ignite.bytesText.parse(text)).toBe(text);
        expect([...ignite.bytes.parse(text)]).toEqual([...data]);
      }),
    );
    for (const text of ["*", "a", "YQ", "YQ=", "YQ==\n"])
      expect(ignite.bytes.safeParse(text).success).toBe(false);
  });

  test("a call without anything is a POST of nothing to /", () => {
    expect(ignite.invokeRequest.parse({})).toEqual({
      http: { method: "POST", path: "/", query: "", headers: {} },
      payload: Buffer.alloc(0),
    });
  });

  test.each([
    { http: { method: "get" } },
    { http: { path: "no/slash" } },
    { payload: "not base64!" },
    { http: { headers: { a: 1 } } },
  ])("the call %j is refused", (call) => {
    expect(ignite.invokeRequest.safeParse(call).success).toBe(false);
  });
});

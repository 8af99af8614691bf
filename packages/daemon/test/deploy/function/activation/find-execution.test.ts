import fc from "fast-check";
import { expect, test } from "vitest";
import { findExecution } from "../../../../src/deploy/function/activation/find-execution.js";

const find = (text: string): string | undefined => findExecution(Buffer.from(text, "latin1"));

test.each([
  [
    "among other headers",
    "POST / HTTP/1.1\r\nHost: a\r\nX-Ignite-Execution-Id: x-12ab\r\nA: b\r\n\r\nbody",
    "x-12ab",
  ],
  ["at the end of a head that has not ended", "POST / HTTP/1.1\r\nx-ignite-execution-id:x-1\r\n", "x-1"],
  ["not in the body", "POST / HTTP/1.1\r\nHost: a\r\n\r\n\r\nx-ignite-execution-id: x-1\r\n", undefined],
  ["not within another header's name", "GET / HTTP/1.1\r\na-x-ignite-execution-id: x-1\r\n\r\n", undefined],
  ["not with something else in it", "GET / HTTP/1.1\r\nx-ignite-execution-id: x 1\r\n\r\n", undefined],
  ["not cut off", "GET / HTTP/1.1\r\nx-ignite-execution-id: x-1", undefined],
  ["not without a head", "", undefined],
])("%s", (_name, text, id) => {
  expect(find(text)).toBe(id);
});

test("whatever comes, the answer is an id or nothing", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), fc.stringMatching(/^[\w-]{1,64}$/), (noise, id) => {
      const text = Buffer.from(noise)
        .toString("latin1")
        .replaceAll("\r\n\r\n", "")
        .replaceAll(/ignite/gi, "");
      expect(find(`GET / HTTP/1.1\r\nA: ${text}.\r\nx-ignite-execution-id: ${id}\r\n\r\n`)).toBe(id);
      expect(find(text)).toBeUndefined();
    }),
  );
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { formatFunctionLog, parseFunctionLog } from "../src/index.js";

const line = (change: object = {}): string =>
  JSON.stringify({ execution: "x-1", level: "info", message: "stored", fields: {}, ...change });

test.each([
  [{}, "stored"],
  [{ level: "warn" }, "warn  stored"],
  [
    { fields: { rows: 3, user: "ada", note: "two words", empty: "", list: [1, null] } },
    'stored  rows=3  user=ada  note="two words"  empty=""  list=[1,null]',
  ],
  [{ message: "two\nlines\u001b[31m" }, "two\\x0alines\\x1b[31m"],
  [{ fields: undefined }, "stored"],
])("%j reads %s", (change, text) => {
  const parsed = parseFunctionLog(line(change));
  expect(parsed?.execution).toBe("x-1");
  expect(parsed && formatFunctionLog(parsed)).toBe(text);
});

test.each([
  "",
  "plain",
  "{}",
  '{"execution":"x-1"',
  '{"execution":"x-1"}',
  ` ${line()}`,
  line({ fields: [1] }),
])("%j is no line of a handler", (text) => {
  expect(parseFunctionLog(text)).toBeUndefined();
});

test("whatever a handler says is one line without orders to a terminal", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.dictionary(fc.string(), fc.jsonValue()),
      (message, fields) => {
        const parsed = parseFunctionLog(line({ message, fields }));
        expect(parsed === undefined ? "" : formatFunctionLog(parsed)).not.toMatch(/\p{Cc}/u);
      },
    ),
  );
});

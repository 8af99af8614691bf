import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quoteNginx, quoteNginxValue } from "../../src/route/quote-nginx.js";

/** How nginx reads one quoted word: the words in `text` up to the `;`, escapes resolved. */
function readWords(text: string): readonly string[] {
  const words: string[] = [];
  let at = 0;
  while (text[at] !== ";") {
    if (text[at] === " ") {
      at++;
      continue;
    }
    if (text[at] !== '"') throw new Error(`an unquoted word at ${at} of ${text}`);
    let word = "";
    for (at++; text[at] !== '"'; at++) {
      if (at >= text.length) throw new Error("a quote without an end");
      if (text[at] !== "\\") {
        word += text[at];
        continue;
      }
      const next = text[at + 1] ?? "";
      const known: Readonly<Record<string, string>> = {
        '"': '"',
        "'": "'",
        "\\": "\\",
        t: "\t",
        r: "\r",
        n: "\n",
      };
      word += known[next] ?? `\\${next}`;
      at++;
    }
    words.push(word);
    at++;
  }
  return words;
}

const anyText = fc.string({ unit: "binary", maxLength: 300 }).filter((text) => !text.includes("\0"));
const nastyText = fc
  .array(fc.constantFrom('"', "'", "\\", "$", "{", "}", ";", "\n", " ", "#", "a", "${x}", "\\n", "\r", "é"), {
    maxLength: 40,
  })
  .map((parts) => parts.join(""));

describe("quoteNginx", () => {
  test("any text comes back as exactly one word", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, nastyText), (text) => {
        expect(readWords(`${quoteNginx(text)} "end";`)).toEqual([text, "end"]);
      }),
    );
  });

  test("in a value no dollar sign is left but that of the variable that stands for it", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, nastyText), (text) => {
        const [word = "", end] = readWords(`${quoteNginxValue(text)} "end";`);
        expect(end).toBe("end");
        expect(word.replaceAll("${bloom_dollar}", "").includes("$")).toBe(false);
        expect(word.replaceAll("${bloom_dollar}", "$")).toBe(text);
      }),
    );
  });

  test.each([
    ["a zero byte", "a\0b"],
    ["4000 bytes", "x".repeat(4000)],
    ["4000 bytes in 2000 letters", "é".repeat(2000)],
  ])("refuses %s", (_what, text) => {
    expect(() => quoteNginx(text)).toThrowError(expect.objectContaining({ code: "ERR_INTERNAL" }));
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blankRust, findHandlerFunction, findMainAttributes } from "../../../src/build/function/scan-rust.js";

describe("findMainAttributes", () => {
  it.each([
    ["plain", "use ignite::prelude::*;\n\n#[ignite::main]\nasync fn handler() {}", [{ line: 3, column: 1 }]],
    ["spread out", "  # [ ::ignite\n:: main ]", [{ line: 1, column: 3 }]],
    ["with arguments", "#[ignite::main(workers = 2)]", [{ line: 1, column: 1 }]],
    [
      "twice",
      "#[ignite::main]\n#[ignite::main]",
      [
        { line: 1, column: 1 },
        { line: 2, column: 1 },
      ],
    ],
    [
      "after lifetimes and letters",
      "fn a<'r, 'b>(x: &'r str) { '\"'; b'\\''; '\\u{22}'; '𝄞'; }\n#[ignite::main]",
      [{ line: 2, column: 1 }],
    ],
    [
      "after a raw name",
      'let r#fn = br#"# " "#; let for_r = r"\\";\n#[ignite::main]',
      [{ line: 2, column: 1 }],
    ],
    ["another macro", "#[tokio::main]\n#[ignite::mainly]\n#[my_ignite::main]", []],
    ["in a line comment", "// #[ignite::main]\n/// #[ignite::main]", []],
    ["in nested comments", "/* /* */ #[ignite::main] */", []],
    ["in a text", '"\\" #[ignite::main]"; r##"\n"# #[ignite::main]"##; c"#[ignite::main]"', []],
    ["in a comment without an end", "/* #[ignite::main]", []],
    ["in a text without an end", '"#[ignite::main]', []],
  ])("knows an attribute %s", (_, text, places) => {
    expect(findMainAttributes(text)).toEqual(places);
  });

  it("finds the function that lacks one", () => {
    expect(findHandlerFunction("// fn handler\npub async fn handler(")).toEqual({ line: 2, column: 11 });
    expect(findHandlerFunction("fn handlers() {}")).toBeNull();
  });

  it("keeps every line and column, whatever the text", () => {
    const piece = fc.constantFrom(
      '"',
      "'",
      "\\",
      "/*",
      "*/",
      "//",
      "\n",
      'r#"',
      '"#',
      "b",
      "r",
      "x",
      "#[ignite::main]",
      "é",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join("");
        const blank = blankRust(text);
        expect(blank.length).toBe(text.length);
        expect(blank.replace(/[^\n]/g, "")).toBe(text.replace(/[^\n]/g, ""));
      }),
    );
  });
});

import { describe, expect, it } from "vitest";
import { planPrelude } from "../../../src/build/prefork/plan-prelude.js";

/** The user's own lines of a plan. */
const linesOf = (text: string, source: string): string[] =>
  text.split("\n").slice(0, source.split("\n").length);

describe("old Rust", () => {
  it.each([
    [
      "a feature",
      '#![crate_type = "dylib"]\n#![feature(collections)] \nfn f() {}',
      '#![crate_type = "dylib"]\n \nfn f() {}',
      "removed #![feature(collections)] (line 2): needed no more",
    ],
    [
      "several features, of which one is unknown",
      "#![feature(core, fancy, std_misc)]",
      "#![feature(fancy)]",
      "removed #![feature(core, std_misc)] (line 1): needed no more",
    ],
    [
      "features over several lines",
      "#![feature(\n  io,\n  os,\n)]\nfn f() {}",
      "\n\n\n\nfn f() {}",
      "removed #![feature(io, os)] (line 1): needed no more",
    ],
    [
      "the name of a crate",
      'fn a() {}\n#![crate_id = "app#0.1"]',
      "fn a() {}\n",
      'removed #![crate_id = "app#0.1"] (line 2): an attribute of 2014',
    ],
    [
      "collections",
      "extern crate collections;",
      "extern crate alloc as collections;",
      "extern crate collections (line 1): taken from alloc, its name today",
    ],
    [
      "Show",
      "#[derive(Clone, Show)]",
      "#[derive(Clone, Debug)]",
      "derive(Show) (line 1): written Debug, its name today",
    ],
    [
      "suffixes",
      "let a = 5i + 0xffu;\n",
      "let a = 5isize + 0xffusize;\n",
      "numbers that end in i or u (line 1): written isize and usize",
    ],
  ])("%s", (_, source, text, change) => {
    expect(planPrelude(source)).toEqual({ text, changes: [change], gone: [] });
  });

  it("says each of several things", () => {
    const plan = planPrelude("#[deriving(Show)]\nstruct A;");
    expect(plan.text).toBe("#[derive(Debug)]\nstruct A;");
    expect(plan.changes).toEqual([
      "#[deriving] (line 1): written derive, its name today",
      "derive(Show) (line 1): written Debug, its name today",
    ]);
  });

  it.each([
    ["String::from_str", 'fn f() { String::from_str("a"); }', "trait StringFromStr"],
    ["from_str", 'fn f() { let n = from_str::<int>("5"); }', "fn from_str<T"],
    ["as_slice", "fn f(s: String) { g(s.as_slice()) }", "trait StringAsSlice"],
    ["range", "fn f() { for n in range(0, 3) {} }", "fn range<T>"],
    ["int", "fn f(n: int) -> Vec<int> { n as int }", "type int = isize"],
    ["uint", "struct A { n: Option<uint> }", "type uint = usize"],
  ])("has %s again, behind the file's own lines", (name, source, added) => {
    const plan = planPrelude(source);
    expect(linesOf(plan.text, source)).toEqual(source.split("\n"));
    expect(plan.text.slice(source.length)).toContain(added);
    expect(plan.changes.join("\n")).toContain(`${name}: added`);
  });

  it.each([
    [
      "today's own code",
      '#![crate_type = "cdylib"]\nuse std::io;\nfn f() -> isize { String::from("a").len() as isize }\n',
    ],
    ["a comment", "// String::from_str(x) and 5u\n/* #![feature(collections)] */"],
    ["a text", 'let a = "String::from_str(range(1, 2)) 5i #[derive(Show)]";'],
    ["from_str of a trait in scope", 'use std::str::FromStr;\nfn f() { String::from_str("a").unwrap(); }'],
    ["from_str of another type", 'fn f() { Url::from_str("a"); x.from_str("b"); }'],
    ["a function of that name", "fn range(a: u8, b: u8) {}\nfn f() { range(1, 2); self.range(3, 4); }"],
    ["a method of a Vec of its own", "impl A { fn as_slice(&self) {} }\nfn f() { a.as_slice(); }"],
    ["a variable", "fn f(int: u8) { let uint = int + 1; g(uint); }"],
    ["a type of that name", "type int = i32;\nfn f(a: int) {}"],
    ["numbers", "let a = 5u8 + 5i64 + x.0 + 0xf_u16 + 1.5; a5u;"],
    ["features of today", "#![feature(fancy)]"],
  ])("leaves %s alone", (_, source) => {
    expect(planPrelude(source)).toEqual({ text: source, changes: [], gone: [] });
  });

  it("says what is gone", () => {
    const { gone, changes } = planPrelude("use std::old_io::File;\n\nuse std::rand;\nuse std::io;\n");
    expect(gone.map(({ line }) => line)).toEqual([1, 3]);
    expect(gone[0]?.message).toContain("write std::io");
    expect(changes).toEqual([]);
  });
});

import { describe, expect, it } from "vitest";
import { formatProblem } from "@bloomery/contract";
import { parseYaml } from "../../src/config/parse-yaml.js";

function value(text: string): unknown {
  const { source, problems } = parseYaml("a.yaml", text);
  expect(problems).toEqual([]);
  return source?.value;
}

function messages(text: string): string[] {
  return parseYaml("a.yaml", text).problems.map(formatProblem);
}

describe("parseYaml", () => {
  it("reads bare scalars on the next line", () => {
    expect(value("hooks:\n  build:\n    cargo build\n    --release\n")).toEqual({
      hooks: { build: "cargo build --release" },
    });
  });

  it("leaves out keys that begin with a dot, and keeps their anchors", () => {
    expect(value(".base: &base { a: 1 }\nb: *base\nc: { .d: 1, e: 2 }\n")).toEqual({
      b: { a: 1 },
      c: { e: 2 },
    });
  });

  it("says so where it is rarely meant", () => {
    expect(messages("mounts: { .cache: { source: tmp } }\n.mounts: { x: 1 }\nenv: { .x: 1 }\n")).toEqual([
      'a.yaml:1:11 warning: mounts..cache: keys that begin with a dot are left out; write "/.cache"',
    ]);
    expect(messages("locations:\n  /:\n    rules:\n      .*\\.css: { allow: true }\n")).toEqual([
      "a.yaml:4:7 warning: locations./.rules..*\\.css: keys that begin with a dot are left out; begin the expression with ^ for any text, or with \\. for a dot",
    ]);
  });

  it("merges, and what is written in place wins", () => {
    const text = ".a: &a { x: 1, y: 1 }\n.b: &b { y: 2, z: 2 }\nm:\n  <<: [*a, *b]\n  x: 0\n";
    expect(value(text)).toEqual({ m: { x: 0, y: 1, z: 2 } });
  });

  it("takes an alias for the nearest anchor before it", () => {
    expect(value("a: &x 1\nb: *x\nc: &x 2\nd: *x\n")).toEqual({ a: 1, b: 1, c: 2, d: 2 });
  });

  it("makes texts of keys that are numbers", () => {
    expect(value("1.10: a\ntrue: b\n")).toEqual({ "1.10": "a", true: "b" });
  });

  it("takes an empty text for nothing", () => {
    expect(value("")).toBeNull();
    expect(value("# only a comment\n")).toBeNull();
  });

  it("keeps a key named __proto__ as a key", () => {
    expect(Object.keys(value("__proto__: { a: 1 }\n") as object)).toEqual(["__proto__"]);
  });

  it("knows the place of keys and values, also through aliases", () => {
    const { source } = parseYaml("a.yaml", "x: &x\n  deep: [1, 2]\ny:   *x\n");
    expect(source?.places.find(["y"], "key")).toEqual({ line: 3, column: 1 });
    expect(source?.places.find(["y"], "value")).toEqual({ line: 3, column: 6 });
    expect(source?.places.find(["y", "deep", 1], "value")).toEqual({ line: 2, column: 13 });
  });

  it.each([
    ["a: &a [*a]\n", "a.yaml:1:8 a[0]: the alias *a stands inside its own anchor"],
    ["a: &a\n  <<: *a\n", "a.yaml:2:3 a: `<<` takes an alias of a mapping, such as `<<: *defaults`"],
    ["a: *b\n", "a.yaml:1:4 a: the alias *b has no anchor &b before it"],
    ["a: !!binary aGk=\n", "a.yaml:1:13 a: the tag !!binary means nothing here; remove it"],
    ["? [a, b]\n: 1\n", "a.yaml:1:3: a key must be a text, not a list or a mapping"],
    ["a: 1\nb: 2\na: 3\n", "a.yaml:3:1 a: the key is written twice, first on line 1; keep one of them"],
    ["a: 1\n---\nb: 2\n", "a.yaml:2:1: the file holds several documents; remove the line `---` between them"],
    ["a: {b: 1\n", "a.yaml:2:1: a bracket has no end; write the closing }"],
    ["a: @b\n", "a.yaml:1:4: a plain text cannot begin with this character; put it in quotes"],
  ])("refuses %j", (text, message) => {
    expect(messages(text)).toEqual([message]);
  });

  it.each([
    ["brackets", "[".repeat(100_000)],
    ["brackets that close", "a: " + "[".repeat(2_000) + "]".repeat(2_000)],
    ["mappings", Array.from({ length: 500 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")],
  ])("survives %s by the thousand", (_, text) => {
    expect(messages(text).join()).toMatch(/nested too deeply|a bracket has no end/);
  });
});

import { describe, expect, it } from "vitest";
import { parse } from "smol-toml";
import { locateToml } from "../../src/config/locate-toml.js";

type Path = readonly (string | number)[];

/** `line:column` of a key and of its value. */
function find(text: string, path: Path): string {
  // The locator is only ever given what the parser accepts.
  parse(text);
  const places = locateToml(text);
  expect(places.has(path)).toBe(true);
  const key = places.find(path, "key");
  const value = places.find(path, "value");
  return `${key.line}:${key.column} ${value.line}:${value.column}`;
}

const cases: [what: string, text: string, path: Path, expected: string][] = [
  ["a pair", "a = 1", ["a"], "1:1 1:5"],
  ["spaces around", "  a   =   1", ["a"], "1:3 1:11"],
  ["no spaces", "a=1", ["a"], "1:1 1:3"],
  ["after comments and blank lines", "# a = 1\n\n a = 2", ["a"], "3:2 3:6"],
  ["after a comment on a line", "a = 1 # b = 3\nb = 2", ["b"], "2:1 2:5"],
  ["a table", "[run]\nport = 1", ["run"], "1:2 1:2"],
  ["a key in a table", "[run]\nport = 1", ["run", "port"], "2:1 2:8"],
  ["spaces in a header", "[ run . more ]\na = 1", ["run", "more", "a"], "2:1 2:5"],
  ["a dotted header", "[a.b]\nc = 1", ["a", "b"], "1:4 1:4"],
  ["the first mention of a table", "[a.b]\n[a]\nc = 1", ["a"], "1:2 1:2"],
  [
    "a header in quotes",
    '[http.locations."/a.b"]\nroot = "x"',
    ["http", "locations", "/a.b", "root"],
    "2:1 2:8",
  ],
  ["a header in single quotes", "['a]b']\nc = 1", ["a]b", "c"], "2:1 2:5"],
  ["a dotted key", "a.b.c = 1", ["a", "b", "c"], "1:5 1:9"],
  ["a dotted key's middle", "a.b.c = 1", ["a", "b"], "1:3 1:3"],
  ["spaces around dots", "a . b = 1", ["a", "b"], "1:5 1:9"],
  ["a key with = and # in quotes", '"a = #b" = 1', ["a = #b"], "1:1 1:12"],
  ["an escape in a key", '"a\\u0062\\t" = 1', ["ab\t"], "1:1 1:15"],
  ["a string with = and #", 'a = "b = 1 # c"\nb = 2', ["b"], "2:1 2:5"],
  ["a string with an escaped quote", 'a = "\\"\\\\"\nb = 2', ["b"], "2:1 2:5"],
  ["a literal string with a backslash", "a = '\\'\nb = 2", ["b"], "2:1 2:5"],
  ["a long string", 'a = """\nb = 1\n[c]\n"""\nb = 2', ["b"], "5:1 5:5"],
  ["a long string with quotes at its end", 'a = """x"""""\nb = 2', ["b"], "2:1 2:5"],
  ["a long string with escaped quotes", 'a = """\\""""\nb = 2', ["b"], "2:1 2:5"],
  ["a long literal string", "a = '''\n''\nb = 1'''\nb = 2", ["b"], "4:1 4:5"],
  ["an empty string", "a = \"\"\nb = ''\nc = 3", ["c"], "3:1 3:5"],
  ["an item of a list", 'a = ["x", "y"]', ["a", 1], "1:11 1:11"],
  ["an item after comments", 'a = [\n  "x", # ]\n  5,\n]\nb = 2', ["a", 1], "3:3 3:3"],
  ["after a list", 'a = [\n  "x", # ]\n  [5, "]"],\n]\nb = 2', ["b"], "5:1 5:5"],
  ["a list in a list", "a = [[1], [2, 3]]", ["a", 1, 1], "1:15 1:15"],
  ["an inline table", 'a = { b = "}", c = 2 }', ["a", "c"], "1:16 1:20"],
  ["an inline table with dots", "a = { b.c = 2 }", ["a", "b", "c"], "1:9 1:13"],
  ["tables in a list", "a = [{ b = 1 }, { b = 2 }]", ["a", 1, "b"], "1:19 1:23"],
  ["after an inline table", "a = {}\nb = 2", ["b"], "2:1 2:5"],
  ["an array of tables", "[[t]]\nx = 1\n[[t]]\nx = 2", ["t", 1, "x"], "4:1 4:5"],
  ["an element of an array of tables", "[[t]]\n[[t]]", ["t", 1], "2:3 2:3"],
  ["a table in an array of tables", "[[t]]\n[[t]]\n[t.u]\nx = 1", ["t", 1, "u", "x"], "4:1 4:5"],
  ["arrays in arrays", "[[t]]\n[[t.u]]\n[[t]]\n[[t.u]]\n[[t.u]]\nx = 1", ["t", 1, "u", 1, "x"], "6:1 6:5"],
  ["a date", "a = 1979-05-27 07:32:00\nb = 2", ["b"], "2:1 2:5"],
  ["Windows line ends", "a = 1\r\n[t]\r\nb = 2\r\n", ["t", "b"], "3:1 3:5"],
  ["a key of digits", "1 = 1\n2.3 = 4", ["2", "3"], "2:3 2:7"],
];

describe("locateToml", () => {
  it.each(cases)("finds %s", (_, text, path, expected) => {
    expect(find(text, path)).toBe(expected);
  });

  it("keeps numbers as they were written", () => {
    const places = locateToml("a = 1.10 # x\nb = [1_000, 2]\n");
    expect(places.textOf(["a"])).toBe("1.10");
    expect(places.textOf(["b", 0])).toBe("1_000");
  });

  it("gives the place above for what is not written", () => {
    const places = locateToml("\n[run]\nport = 1");
    expect(places.find(["run", "missing", "deep"], "value")).toEqual({ line: 2, column: 2 });
    expect(places.find(["missing"], "value")).toEqual({ line: 1, column: 1 });
  });
});

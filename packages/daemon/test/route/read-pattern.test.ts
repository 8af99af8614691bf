import { expect, test } from "vitest";
import { readPattern } from "../../src/route/read-pattern.js";

test.each<[string, string, Record<string, number>, number]>([
  ["^/a$", "^/a$", {}, 0],
  ["(a)(?<uri>b)", "(a)(?<bloom_g2>b)", { uri: 2 }, 2],
  ["(?P<args>a)(?P=args)", "(?P<bloom_g1>a)(?P=bloom_g1)", { args: 1 }, 1],
  ["(?'x'a)\\k'x'\\k{x}\\g{x}", "(?'bloom_g1'a)\\k'bloom_g1'\\k{bloom_g1}\\g{bloom_g1}", { x: 1 }, 1],
  ["(?<x>a)(?&x)(?P>x)(?(<x>)b)", "(?<bloom_g1>a)(?&bloom_g1)(?P>bloom_g1)(?(<bloom_g1>)b)", { x: 1 }, 1],
  ["\\((?<x>[(?<y>])(?:b)(?=c)", "\\((?<bloom_g1>[(?<y>])(?:b)(?=c)", { x: 1 }, 1],
  ["\\Q(?<x>\\E(?#(?<y>)(?<z>)", "\\Q(?<x>\\E(?#(?<y>)(?<bloom_g1>)", { z: 1 }, 1],
])("%s", (pattern, expected, names, groups) => {
  const read = readPattern(pattern);
  expect(read.pattern).toBe(expected);
  expect(Object.fromEntries(read.names)).toEqual(names);
  expect(read.groups).toBe(groups);
});

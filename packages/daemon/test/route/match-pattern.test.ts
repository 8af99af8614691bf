import { expect, test } from "vitest";
import { matchPattern } from "../../src/route/match-pattern.js";

test.each<[string, string, unknown]>([
  ["\\.css$", "/a.css", [".css"]],
  ["\\.css$", "/a.CSS", null],
  ["(?i)\\.css$", "/a.CSS", [".CSS"]],
  ["^/(?<one>[^/]+)/(?P<two>.*)$", "/a/é", ["/a/é", "a", "é"]],
  // A dot is one byte, and é has two.
  ["^/.$", "/é", null],
  ["\\A/a\\z", "/a", ["/a"]],
  ["a$", "/a\n", ["a"]],
  ["(?<uri>x)\\k<uri>", "/xx", ["xx", "x"]],
])("%s on %j", (pattern, path, match) => {
  expect(matchPattern(pattern, path)).toEqual(match);
});

test.each(["a++", "(?>a)", "(?R)", "\\Qa\\E", "(?x) a", "(*UTF8)a", "[[:alpha:]]", "("])(
  "%s is left to nginx",
  (pattern) => {
    expect(matchPattern(pattern, "/a")).toBeUndefined();
  },
);

test("an expression that explodes is given up", () => {
  const begin = performance.now();
  expect(matchPattern("^/(a+)+$", `/${"a".repeat(60)}!`)).toBeUndefined();
  expect(performance.now() - begin).toBeLessThan(2000);
});

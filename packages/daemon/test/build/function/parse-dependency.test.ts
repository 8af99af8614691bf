import { describe, expect, it } from "vitest";
import { acceptsVersion } from "../../../src/build/function/accepts-version.js";
import { parseDependencies, parseDependency } from "../../../src/build/function/parse-dependency.js";

describe("parseDependency", () => {
  it.each([
    ["uuid", "uuid", null, []],
    ["uuid@1", "uuid", "1", []],
    ["uuid@1.2+v4,serde", "uuid", "1.2", ["v4", "serde"]],
    ["uuid+v4", "uuid", null, ["v4"]],
    ["serde@=1.0.100", "serde", "=1.0.100", []],
    ["time@>=0.3, <0.4", "time", ">=0.3, <0.4", []],
    ["a@1.0.0-rc.1", "a", "1.0.0-rc.1", []],
    ["reqwest@*+rustls-tls,dep/feature", "reqwest", "*", ["rustls-tls", "dep/feature"]],
  ])("reads %s", (text, name, version, features) => {
    expect(parseDependency(text)).toEqual({ name, version, features });
  });

  it.each([
    ["", /not the name of a crate/],
    ["@1", /not the name/],
    ["../evil", /not the name/],
    ['a"\n[x]', /not the name/],
    ["1abc", /not the name/],
    ["a@", /not a version/],
    ["a@latest", /not a version/],
    ['a@1", path = "/x', /not a version/],
    ["a@1+", /not the name of a feature/],
    ["a@1+x,,y", /not the name of a feature/],
    ["ignite@1", /the platform brings it/],
  ])("refuses %j", (text, words) => {
    expect(() => parseDependency(text)).toThrow(words);
  });

  it("refuses a crate that is given twice, however it is written", () => {
    expect(() => parseDependencies(["serde-json@1", "uuid", "serde_json+std"])).toThrow(
      /serde_json is given twice/,
    );
    expect(parseDependencies([])).toEqual([]);
  });
});

describe("acceptsVersion", () => {
  it.each([
    ["*", "0.1.0", true],
    ["0.1", "0.1.3", true],
    ["0.1.4", "0.1.3", false],
    ["0.2", "0.1.3", false],
    ["0", "0.1.3", true],
    ["^1.2", "1.3.0", true],
    ["1.4", "1.3.9", false],
    ["1.2.9", "1.3.0", true],
    ["2", "1.3.0", false],
    ["0.0.3", "0.0.4", false],
    ["1.*", "1.9.0", true],
    [">=5", "1.0.0", true],
  ])("%s and %s: %s", (requirement, version, expected) => {
    expect(acceptsVersion(requirement, version)).toBe(expected);
  });
});

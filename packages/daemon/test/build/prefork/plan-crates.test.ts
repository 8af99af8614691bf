import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { planCrates } from "../../../src/build/prefork/plan-crates.js";
import { crates } from "../builder-bench.js";

const sdk = {
  path: "/sdk/1234/prefork-app",
  version: "0.1.0",
  lockfile: readFileSync(`${crates}/prefork-app/prefork.lock`, "utf8"),
};
const crate = '[package]\nname = "shop"\nversion = "0.2.0"\n\n[lib]\ncrate-type = ["cdylib"]\n';

function plan(texts: Readonly<Record<string, string>>) {
  return planCrates({ list: () => Object.keys(texts), read: (path) => texts[path] }, sdk);
}

const manifestOf = (files: ReadonlyMap<string, string>, path = "Cargo.toml"): object =>
  parse(files.get(path) ?? "");

describe("a crate of the classic kind", () => {
  it("is built as it is", () => {
    expect(plan({ "Cargo.toml": crate, "Cargo.lock": "version = 4\n" })).toEqual({
      files: new Map(),
      usesSdk: false,
      isLockComplete: true,
      notes: [],
      problems: [],
    });
  });

  it.each([
    ['["dylib"]', ["cdylib", "rlib"]],
    ['["dylib", "rlib"]', ["cdylib", "rlib"]],
    ['["cdylib", "dylib"]', ["cdylib", "rlib"]],
    ['["lib", "dylib"]', ["cdylib", "lib"]],
  ])("with %s becomes one that holds its std", (types, built) => {
    const found = plan({ "Cargo.toml": crate.replace('["cdylib"]', types) });
    expect(manifestOf(found.files)).toMatchObject({ lib: { "crate-type": built } });
    expect(found.notes).toEqual([
      'Cargo.toml: built as "cdylib" instead of "dylib", so that the library needs none of Rust\'s own beside it',
    ]);
  });
});

describe("a crate of the safe kind", () => {
  it.each(['"0.1"', '"*"', '{ version = "0.1.0", features = [] }', '{ path = "../prefork-app" }'])(
    "that asks for %s has the platform's",
    (wish) => {
      const found = plan({ "Cargo.toml": `${crate}\n[dependencies]\nprefork = ${wish}\n` });
      expect(manifestOf(found.files)).toMatchObject({ dependencies: { prefork: { path: sdk.path } } });
      expect(found).toMatchObject({ usesSdk: true, isLockComplete: true, problems: [] });
      expect(found.files.get("Cargo.lock")).toContain('name = "shop"\nversion = "0.2.0"');
      expect(found.notes).toHaveLength(1);
    },
  );

  it("may call it otherwise, and have more", () => {
    const text = `${crate}\n[dependencies]\nweb = { package = "prefork", version = "0.1" }\nserde = "1"\n`;
    const found = plan({ "Cargo.toml": text });
    expect(manifestOf(found.files)).toMatchObject({
      dependencies: { web: { path: sdk.path, package: "prefork" }, serde: "1" },
    });
    expect(found.isLockComplete).toBe(false);
  });

  it("keeps the versions of its own lockfile", () => {
    const lock = `version = 4\n\n[[package]]\nname = "shop"\nversion = "0.2.0"\ndependencies = [\n "syn",\n]\n\n[[package]]\nname = "syn"\nversion = "3.0.1"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "00"\n`;
    const text = `${crate}\n[dependencies]\nprefork = "0.1"\n`;
    const found = plan({ "Cargo.toml": text, "Cargo.lock": lock });
    expect(found.isLockComplete).toBe(false);
    const { package: packages } = parse(found.files.get("Cargo.lock") ?? "") as {
      package: { name: string; version: string }[];
    };
    expect(packages.filter(({ name }) => name === "syn")).toMatchObject([{ version: "3.0.1" }]);
    expect(packages.map(({ name }) => name)).toContain("prefork-macros");
  });

  it("may be one of a workspace", () => {
    const found = plan({
      "Cargo.toml": '[workspace]\nmembers = ["a"]\n\n[workspace.dependencies]\nprefork = "0.1"\n',
      "a/Cargo.toml": `${crate}\n[dependencies]\nprefork = { workspace = true }\n`,
    });
    expect(manifestOf(found.files)).toMatchObject({
      workspace: { dependencies: { prefork: { path: sdk.path } } },
    });
    expect([...found.files.keys()]).toEqual(["Cargo.toml"]);
    expect(found.isLockComplete).toBe(false);
  });

  it("is refused when it asks for another version", () => {
    const { problems } = plan({ "Cargo.toml": `${crate}\n[dependencies]\nprefork = "2"\n` });
    expect(problems).toMatchObject([{ file: "Cargo.toml", line: 9, column: 1 }]);
    expect(problems[0]?.message).toContain('write prefork = "0.1.0"');
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCargoBuild } from "../../../src/build/templates/parse-cargo-build.js";
import { parseLockfile } from "../../../src/build/templates/parse-lockfile.js";
import { planFreeze } from "../../../src/build/templates/plan-freeze.js";

const hash = (digit: string): string => digit.repeat(16);

describe("what is taken into a template", () => {
  it("is all of the crates and nothing of the project", () => {
    const { take } = planFreeze(
      [
        {
          path: "release",
          fingerprints: [`serde-${hash("1")}`, `serde_json-${hash("2")}`, `app-${hash("3")}`, "odd"],
          build: [`serde-${hash("1")}`, `app-${hash("3")}`],
          deps: [
            `libserde-${hash("1")}.rlib`,
            `libserde-${hash("1")}.rmeta`,
            `serde-${hash("1")}.d`,
            `libserde_json-${hash("2")}.rlib`,
            `app-${hash("3")}`,
            `app-${hash("3")}.d`,
            "libapp.so",
          ],
        },
      ],
      new Set(["serde", "serde_json", "libc"]),
    );
    expect(take).toEqual([
      `release/.fingerprint/serde-${hash("1")}`,
      `release/.fingerprint/serde_json-${hash("2")}`,
      `release/build/serde-${hash("1")}`,
      `release/deps/libserde-${hash("1")}.rlib`,
      `release/deps/libserde-${hash("1")}.rmeta`,
      `release/deps/serde-${hash("1")}.d`,
      `release/deps/libserde_json-${hash("2")}.rlib`,
    ]);
  });
});

describe("a cargo build in a hook", () => {
  it.each([
    ["cargo build --release", { profile: "release", target: null, selection: [] }],
    [
      "# first\nset -eu\nrustc --version\ncargo b -r -j 4 --locked",
      { profile: "release", target: null, selection: [] },
    ],
    ["cargo build", { profile: "dev", target: null, selection: [] }],
    [
      "cargo build && mv target/debug/app . && ln -s target/debug/app b && rm -rf target/debug/deps",
      { profile: "dev", target: null, selection: [] },
    ],
    [
      "cargo build --profile fast -p web -F a,b --target=x86_64-unknown-linux-musl && strip web",
      {
        profile: "fast",
        target: "x86_64-unknown-linux-musl",
        selection: ["--package=web", "--features=a,b"],
      },
    ],
  ])("is understood: %s", (hook, found) => {
    expect(parseCargoBuild(hook)).toEqual(found);
  });

  it.each([
    "make",
    "cargo +nightly build",
    "cd web && cargo build",
    "cargo build --target-dir=/tmp/x",
    "cargo build --config x=1",
    "cargo build $FLAGS",
    "cargo build --release --manifest-path web/Cargo.toml",
    "export RUSTFLAGS=-g\ncargo build",
    "cargo build --profile",
    "cargo clean\ncargo build",
    "cargo build && rm -rf ./target",
    "cargo build\nmv target/ old",
    "cargo build && ln target/debug/app app",
    "",
  ])("is left alone: %s", (hook) => {
    expect(parseCargoBuild(hook)).toBeNull();
  });

  it("never throws, and never finds arguments that the shell would read otherwise", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const found = parseCargoBuild(`cargo build ${text}`);
        for (const word of found?.selection ?? []) expect(word).toMatch(/^--[A-Za-z0-9_=,./:+@-]+$/);
      }),
    );
  });
});

describe("a lockfile", () => {
  it("gives its packages, or nothing", () => {
    expect(parseLockfile("version = 4\n")).toEqual([]);
    expect(parseLockfile('[[package]]\nname = "a"\nversion = "1.0.0"\n')).toEqual([
      { name: "a", version: "1.0.0", source: null, checksum: null },
    ]);
    for (const text of ["[", "package = 1", "package = [1]", '[[package]]\nname = "a"']) {
      expect(parseLockfile(text)).toBeNull();
    }
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const found = parseLockfile(text);
        expect(found === null || Array.isArray(found)).toBe(true);
      }),
    );
  });
});

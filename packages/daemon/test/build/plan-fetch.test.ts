import { describe, expect, it } from "vitest";
import { planFetch } from "../../src/build/plan-fetch.js";
import type { SourceTree } from "../../src/build/source-store.js";
import { fileEntry } from "./helpers.js";

function treeOf(files: Readonly<Record<string, string>>): SourceTree {
  return {
    tree: "t",
    entries: Object.entries(files).map(([path, text]) => fileEntry(path, text)),
    list: () => Object.keys(files),
    read: (path) => files[path],
    blobPath: (sha256) => sha256,
  };
}

const registryLock = '[[package]]\nname = "itoa"\nsource = "registry+https://example.org/index"\n';
const pathLock = '[[package]]\nname = "app"\nversion = "0.1.0"\n';
const vendored = '[source.crates-io]\nreplace-with = "vendor"\n[source.vendor]\ndirectory = "vendor"\n';

describe("planFetch", () => {
  it.each<[string, Record<string, string>, boolean]>([
    ["no manifest", { "main.rs": "" }, false],
    ["std only", { "Cargo.toml": '[package]\nname = "a"' }, false],
    ["a version", { "Cargo.toml": '[dependencies]\nitoa = "1"' }, true],
    ["a table with a version", { "Cargo.toml": '[dependencies]\nitoa = { version = "1" }' }, true],
    ["git", { "Cargo.toml": '[build-dependencies.x]\ngit = "https://example.org/x"' }, true],
    ["a path", { "Cargo.toml": '[dependencies]\nx = { path = "x" }' }, false],
    [
      "a member's dependency",
      { "Cargo.toml": "[workspace]", "m/Cargo.toml": '[dev-dependencies]\nx = "1"' },
      true,
    ],
    ["the workspace's", { "Cargo.toml": '[workspace.dependencies]\nx = "1"' }, true],
    ["a platform's", { "Cargo.toml": '[target."cfg(unix)".dependencies]\nx = "1"' }, true],
    ["a patch", { "Cargo.toml": '[patch.crates-io]\nx = { git = "https://example.org/x" }' }, true],
    ["a broken manifest", { "Cargo.toml": "[[[" }, true],
    ["a lockfile with a registry", { "Cargo.toml": "", "Cargo.lock": registryLock }, true],
    ["a lockfile without one", { "Cargo.toml": '[dependencies]\nx = "1"', "Cargo.lock": pathLock }, false],
    [
      "vendored crates",
      { "Cargo.toml": "", "Cargo.lock": registryLock, ".cargo/config.toml": vendored },
      false,
    ],
  ])("decides with %s", (_, files, expected) => {
    expect(planFetch(treeOf(files)).needsFetch).toBe(expected);
  });

  it("takes manifests and the names of sources, but none of the project's code or configuration", () => {
    const plan = planFetch(
      treeOf({
        "Cargo.toml":
          '[package]\nbuild = "make/build.script"\n[[bin]]\npath = "hello.rs"\n[[bin]]\npath = "../out.rs"',
        "Cargo.lock": registryLock,
        "hello.rs": "fn main() {}",
        "make/build.script": "fn main() {}",
        "member/Cargo.toml": "[package]",
        "member/src/lib.rs": "pub fn x() {}",
        ".cargo/config.toml": '[build]\nrustc-wrapper = "./evil"',
        "member/.cargo/config": '[build]\nrustc = "./evil"',
        evil: "#!/bin/sh",
      }),
    );
    expect(plan.manifests.map((entry) => entry.path)).toEqual([
      "Cargo.toml",
      "Cargo.lock",
      "member/Cargo.toml",
    ]);
    expect(plan.stubs).toEqual(["hello.rs", "make/build.script", "member/src/lib.rs"]);
    expect(plan.hasLockfile).toBe(true);
  });

  it("has a key that follows the manifests only", () => {
    const key = (files: Record<string, string>): string => planFetch(treeOf(files)).key;
    const base = { "Cargo.toml": "a", "src/main.rs": "b" };
    expect(key({ ...base, "src/main.rs": "c" })).toBe(key(base));
    expect(key({ ...base, "Cargo.toml": "b" })).not.toBe(key(base));
    expect(key({ ...base, "Cargo.lock": "" })).not.toBe(key(base));
  });
});

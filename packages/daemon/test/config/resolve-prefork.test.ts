import type { PreforkSource } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/index.js";
import { textFiles } from "./manifest-cases.js";

const ini = { "app.ini": "[uwsgi]\nplugin = rust\n" };
const library = '[package]\nname = "p"\n[lib]\n';
const rust = '#![crate_type = "cdylib"]\n';

function load(texts: Record<string, string>) {
  return loadConfig(textFiles(texts));
}

describe("what a prefork app's library is made from", () => {
  it.each<[string, Record<string, string>, PreforkSource]>([
    ["a crate", { "Cargo.toml": `${library}crate-type = ["cdylib"]\n` }, { kind: "cargo" }],
    [
      "a crate of both kinds",
      { "Cargo.toml": `${library}crate-type = ["rlib", "dylib"]\n` },
      { kind: "cargo" },
    ],
    [
      "a crate, spelt as it once was",
      { "Cargo.toml": `${library}crate_type = ["dylib"]\n` },
      { kind: "cargo" },
    ],
    [
      "a member of a workspace",
      {
        "Cargo.toml": '[workspace]\nmembers = ["a"]\n',
        "a/Cargo.toml": `${library}crate-type = ["cdylib"]\n`,
      },
      { kind: "cargo" },
    ],
    [
      "a crate and a script",
      { "Cargo.toml": library, "bloom.toml": '[build]\ncommand = "make"\n' },
      { kind: "cargo" },
    ],
    ["a file", { "app.rs": `// first\n${rust}` }, { kind: "files", files: ["app.rs"] }],
    [
      "several files",
      { "a.rs": '#![crate_type="dylib"]', "lib/b.rs": ` #![ crate_type = "cdylib" ]`, "c.rs": "fn c() {}" },
      { kind: "files", files: ["a.rs", "lib/b.rs"] },
    ],
    ["a script", { "bloom.toml": '[build]\ncommand = "make"\n' }, { kind: "prebuilt" }],
    ["a library", { "lib/libapp.so": "", "app.rs": '// #![crate_type = "cdylib"]' }, { kind: "prebuilt" }],
    [
      "a library whose source is a program",
      { "x.so": "", "app.rs": '#![crate_type = "bin"]' },
      { kind: "prebuilt" },
    ],
  ])("is %s", (_, texts, source) => {
    const { config, problems } = load({ ...ini, ...texts });
    expect(problems).toEqual([]);
    expect(config?.prefork?.source).toEqual(source);
  });
});

describe("the ini of a prefork app", () => {
  const prefork = (text: string): Record<string, string> => ({
    "bloom.toml": `[prefork]\n${text}\n`,
    "a.rs": rust,
  });

  it.each([
    ["is named", { ...prefork('ini = "b.ini"'), "b.ini": "", ...ini }, "b.ini", null],
    ["is named with its section", { ...prefork('ini = "b.ini:live"'), "b.ini": "" }, "b.ini", "live"],
    ["is named with no section", { ...prefork('ini = "b.ini:"'), "b.ini": "" }, "b.ini", null],
    ["is named in a folder", { ...prefork('ini = "./conf//b.ini"'), "conf/b.ini": "" }, "conf/b.ini", null],
    ["has another name", { ...prefork('ini = "b.cfg"'), "b.cfg": "" }, "b.cfg", null],
    ["is the one of Rust", { ...prefork(""), "a.ini": "x = 1", "b.ini": "rust-fn = f" }, "b.ini", null],
    ["is the one with a library", { ...prefork(""), "a.ini": "x = 1", "b.ini": "dlopen = f" }, "b.ini", null],
    ["is the only one", { ...prefork(""), "z.ini": "[uwsgi]" }, "z.ini", null],
    [
      "is app.ini",
      { "a.rs": rust, "a.ini": "rust-fn = f", "app.ini": "rust-fn = f", "uwsgi.ini": "rust-fn = f" },
      "app.ini",
      null,
    ],
    ["is uwsgi.ini", { "a.rs": rust, "a.ini": "rust-fn = f", "uwsgi.ini": "rust-fn = f" }, "uwsgi.ini", null],
  ])("%s", (_, texts, file, section) => {
    const { config, problems } = load(texts);
    expect(problems).toEqual([]);
    expect(config?.prefork).toMatchObject({ ini: file, section });
  });

  it("may not be outside, from the root or missing", () => {
    for (const path of ["../b.ini", "/etc/b.ini", "c.ini", "a/../../b.ini"]) {
      const { config, problems } = load({ ...prefork(`ini = "${path}"`), ...ini });
      expect(config).toBeNull();
      expect(problems).toMatchObject([{ file: "bloom.toml", line: 2, severity: "error" }]);
    }
  });
});

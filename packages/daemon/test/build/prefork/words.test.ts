import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assertClassic, assertSameCompiler } from "../../../src/build/prefork/check-compiler.js";
import { crateNameOf } from "../../../src/build/prefork/crate-name.js";
import { findCompiler, findEntry } from "../../../src/build/prefork/find-compiler.js";
import { parseComplaints, parseShown } from "../../../src/config/parse-shown.js";
import { chooseEdition, planRustc } from "../../../src/build/prefork/plan-rustc.js";
import { readRustc } from "../../../src/build/prefork/read-rustc.js";
import { takeLibraries } from "../../../src/build/prefork/take-libraries.js";

describe("the host's complaints", () => {
  const at = { ini: "conf/app.ini", folder: "/app" };

  it.each([
    [
      "conf/app.ini:3:1: there is no option x",
      { file: "conf/app.ini", line: 3, column: 1, message: "there is no option x" },
    ],
    ["bloom-prefork: /app/more.ini:12: no", { file: "more.ini", line: 12, column: 1, message: "no" }],
    ["conf/app.ini: no such file", { file: "conf/app.ini", line: 1, column: 1, message: "no such file" }],
    [
      "configuration: there is no app",
      { file: "conf/app.ini", line: 1, column: 1, message: "there is no app" },
    ],
    [
      "environment, UWSGI_X: no",
      { file: "conf/app.ini", line: 1, column: 1, message: "environment, UWSGI_X: no" },
    ],
    ["./app.ini:1:2: a: b:3: c", { file: "app.ini", line: 1, column: 2, message: "a: b:3: c" }],
  ])("%s", (line, problem) => {
    expect(parseComplaints([line, "  ", "warning: a.ini:1:1: odd"], at)).toEqual([problem]);
  });

  it("are one for each line, whatever stands there", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (lines) => {
        const found = parseComplaints(lines, at);
        expect(found.length).toBeLessThanOrEqual(lines.length);
        for (const { file, line } of found) expect([typeof file, line >= 0]).toEqual(["string", true]);
      }),
    );
  });
});

describe("what the host shows", () => {
  const app = { mount: "", library: "/app/a.so", library_as_written: "./a.so", function: null };

  it("is read as far as it matters", () => {
    const lines = JSON.stringify({ apps: [app], workers: 8, warnings: ["a"], more: {} }, null, 2).split("\n");
    expect(parseShown(lines)).toEqual({ apps: [app], warnings: ["a"] });
  });

  it.each([[""], ["{"], ["[]"], ['{"apps":[{"mount":""}]}'], ['{"apps":1}']])("is not %j", (line) => {
    expect(parseShown([line])).toBeNull();
  });
});

describe("a library's compiler", () => {
  it.each([
    ["\0rustc version 1.95.0 (59807616e 2026-04-14)\0GCC", "1.95.0 (59807616e 2026-04-14)"],
    [
      "rustc version %s\0 and rustc version 1.97.0-nightly (f0 2026-05-01)\n",
      "1.97.0-nightly (f0 2026-05-01)",
    ],
    ["rustc version ", null],
    ["GCC: 12", null],
  ])("in %j", (text, compiler) => {
    expect(findCompiler(Buffer.from(text, "latin1"))).toBe(compiler);
  });

  it("must be the host's, where both are known", () => {
    expect(() => assertClassic("1.95.0", "1.95.0 (5980 2026-04-14)")).not.toThrow();
    expect(() => assertClassic("1.94.0", null)).not.toThrow();
    expect(() => assertClassic("1.94.0", "1.95.0 (5980 2026-04-14)")).toThrow(
      /Rust 1\.94\.0, and .* Rust 1\.95\.0/,
    );
    expect(() => assertSameCompiler("a.so", "1.95.0 (a)", "1.95.0 (a)")).not.toThrow();
    expect(() => assertSameCompiler("a.so", null, "1.95.0 (a)")).not.toThrow();
    expect(() => assertSameCompiler("a.so", "1.95.0 (b)", "1.95.0 (a)")).toThrow(/a\.so .* 1\.95\.0 \(b\)/);
  });

  it("has its names looked up whole", () => {
    const names = Buffer.from("\0malloc\0my_app\0", "latin1");
    expect([findEntry(names, "my_app"), findEntry(names, "my_ap"), findEntry(names, "malloc")]).toEqual([
      true,
      false,
      true,
    ]);
  });
});

describe("rustc", () => {
  it("is told of a copy whose messages are the file's", () => {
    const wish = {
      file: "a/app.rs",
      name: "app",
      edition: "2015",
      standIn: "a/.bloom-app.rs",
      profile: "release",
    };
    const argv = planRustc(wish);
    expect(argv.at(-1)).toBe("a/.bloom-app.rs");
    expect(argv).toContain("--remap-path-prefix=a/.bloom-app.rs=a/app.rs");
    expect(planRustc({ ...wish, standIn: null, profile: "dev" })).toEqual([
      "rustc",
      "--edition=2015",
      "--crate-name=app",
      "--error-format=json",
      "--out-dir=target/prefork",
      "-Cdebuginfo=1",
      "-Aimproper_ctypes_definitions",
      "a/app.rs",
    ]);
  });

  it.each([
    ["#[unsafe(no_mangle)]\npub extern fn a() {}", "2024"],
    ["#[no_mangle]\npub extern fn a() {}", "2021"],
    ["// #[unsafe(no_mangle)]\n", "2021"],
  ])("has the edition that fits %j", (source, edition) => {
    expect(chooseEdition(source)).toBe(edition);
  });

  it.each([
    ["app.rs", "", "app"],
    ["lib/my-app.rs", "", "my_app"],
    ["app.rs", '#![crate_name = "shop"]', "shop"],
    ["app.rs", '// #![crate_name = "shop"]', "app"],
  ])("names %s with %j %s", (file, source, name) => {
    expect(crateNameOf(file, source)).toBe(name);
  });

  it("is read with its places, and anything else as it is", () => {
    const span = { file_name: "app.rs", line_start: 7, column_start: 3 };
    const error = {
      level: "error",
      message: "no",
      code: { code: "E0425" },
      rendered: "error[E0425]: no\n --> app.rs\n",
      spans: [
        { ...span, line_start: 1, is_primary: false },
        { ...span, is_primary: true },
      ],
    };
    const last = {
      level: "error",
      message: "aborting due to 1 previous error",
      code: null,
      rendered: "error: aborting",
      spans: [],
    };
    expect(readRustc(["plain", JSON.stringify(error), "{broken", JSON.stringify(last)])).toEqual({
      text: ["plain", "error[E0425]: no", " --> app.rs", "{broken", "error: aborting"],
      errors: [{ code: "E0425", message: "no", place: { file: "app.rs", line: 7, column: 3 } }],
    });
  });
});

describe("libraries in the output", () => {
  const file = (path: string) => ({ path, kind: "file" as const, mode: 0o644, target: null });
  const entries = [file("app.ini"), file("libapp.so"), file("target/release/libapp.so"), file("target/x")];

  it("get their places, and nothing else of the folder is kept", () => {
    const taken = takeLibraries(
      entries,
      [{ from: ["gone.so", "target/release/libapp.so"], to: "libapp.so" }],
      "target",
    );
    expect(taken.entries).toEqual([file("app.ini"), { ...file("libapp.so"), mode: 0o755 }]);
    expect(taken.from.get("libapp.so")).toBe("target/release/libapp.so");
  });

  it("may stay where they are", () => {
    const place = { from: ["target/release/libapp.so"], to: "target/release/libapp.so" };
    expect(takeLibraries(entries, [place], "target").entries.map(({ path }) => path)).toEqual([
      "app.ini",
      "libapp.so",
      "target/release/libapp.so",
    ]);
  });

  it("must be there", () => {
    expect(() => takeLibraries(entries, [{ from: ["a.so"], to: "a.so" }], null)).toThrow(/there is no a\.so/);
  });
});

import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import type { OverlayPlan } from "../../../src/build/function/plan-overlay.js";
import { crate, handler, plan } from "./plan-code.js";

const manifestOf = ({ files }: OverlayPlan) =>
  parse(files.get("Cargo.toml") ?? "") as {
    dependencies: Record<string, unknown>;
    bin?: unknown;
    lib?: unknown;
    profile: { release: unknown };
    workspace?: { dependencies: unknown };
  };

describe("the plan of a library", () => {
  it("adds what is absent, and a program beside the sources", () => {
    const result = plan({ "src/lib.rs": handler });
    expect(result.files.get("Cargo.toml")?.startsWith(crate)).toBe(true);
    expect(manifestOf(result)).toMatchObject({
      dependencies: {
        ignite: { path: "/sdk/ignite" },
        serde: { version: "1", features: ["derive"] },
        serde_json: { version: "1" },
        tokio: { version: "1" },
      },
      bin: [{ name: "my-hello", path: ".ignite/main.rs" }],
      profile: { release: { strip: true } },
    });
    expect(result.files.get(".ignite/main.rs")).toContain("extern crate my_hello as function;");
    expect(result).toMatchObject({
      package: "my-hello",
      bin: "my-hello",
      handler: { file: "src/lib.rs", line: 3, form: "lib" },
      isLockComplete: false,
    });
    expect(result.notes).toEqual([
      "added ignite 0.1.0 (the platform's)",
      "added serde 1 (derive)",
      "added serde_json 1",
      "added tokio 1 (fs, io-util, macros, net, rt-multi-thread, sync, time)",
      "added the program my-hello, which runs the handler of src/lib.rs",
    ]);
  });

  it("minds neither a byte order mark nor a broken manifest that is none of its own", () => {
    const result = plan({
      "Cargo.toml": `\ufeff${crate}`,
      "src/lib.rs": handler,
      "tests/bad/Cargo.toml": "[[[ ignite",
    });
    expect(manifestOf(result).dependencies["ignite"]).toEqual({ path: "/sdk/ignite" });
    expect(result.files.has("tests/bad/Cargo.toml")).toBe(false);
  });

  it("finds free names for the program, and makes the library usable", () => {
    const result = plan({
      "Cargo.toml": `${crate}[lib]\nname = "api"\npath = "code/api.rs"\ncrate-type = ["cdylib"]\n`,
      "code/api.rs": handler,
      "src/main.rs": "fn main() {}",
      ".ignite/x": "",
    });
    expect(result.bin).toBe("my-hello-function");
    expect(result.files.get(".ignite-function/main.rs")).toContain("extern crate api as function;");
    expect(manifestOf(result).lib).toMatchObject({ "crate-type": ["cdylib", "rlib"] });
  });
});

describe("the plan of a program", () => {
  it.each([
    ["src/main.rs", "", "my-hello"],
    ["src/bin/other.rs", "", "other"],
    ["run/it.rs", '[[bin]]\nname = "it"\npath = "./run/it.rs"\n', "it"],
  ])("takes the handler of %s", (path, more, bin) => {
    const result = plan({ "Cargo.toml": crate + more, "src/lib.rs": "// #[ignite::main]", [path]: handler });
    expect(result).toMatchObject({ bin, handler: { file: path, line: 3, form: "bin" } });
    expect([...result.files.keys()]).toEqual(["Cargo.toml"]);
  });
});

describe("dependencies", () => {
  it.each([
    ['ignite = "*"', {}],
    ['ignite = "0.1"', {}],
    ["ignite = { workspace = true }", {}],
    ["ignite.workspace = true", {}],
    [
      'ignite = { version = "*", features = ["x"], default-features = false }',
      { features: ["x"], "default-features": false },
    ],
    ['ignite = { path = "../../crates/ignite" }', {}],
    ['ignite = { git = "https://example.org/x" }', {}],
  ])("replace %s by the platform's SDK", (line, more) => {
    const result = plan({ "Cargo.toml": `${crate}[dependencies]\n${line}\n`, "src/lib.rs": handler });
    expect(manifestOf(result).dependencies["ignite"]).toEqual({ path: "/sdk/ignite", ...more });
    expect(result.notes[0]).toMatch(/^took ignite 0\.1\.0 \(the platform's\) for /);
  });

  it("replace it also for tests, for platforms, in the workspace and in its members", () => {
    const result = plan({
      "Cargo.toml": `${crate}[workspace]\nmembers = ["m"]\n[workspace.dependencies]\nignite = "*"\nserde = "1"\n[dependencies]\nignite.workspace = true\nserde.workspace = true\n[dev-dependencies]\nignite = "*"\n[target."cfg(unix)".dependencies]\ntokio = "1"\n`,
      "src/lib.rs": handler,
      "m/Cargo.toml": '[package]\nname = "m"\n[dependencies]\nignite = "*"\n',
      "n/Cargo.toml": '[package]\nname = "n"\n',
    });
    const manifest = manifestOf(result);
    expect(manifest.workspace?.dependencies).toEqual({ ignite: { path: "/sdk/ignite" }, serde: "1" });
    expect(manifest).toHaveProperty("dev-dependencies.ignite", { path: "/sdk/ignite" });
    expect(manifest.dependencies).toEqual({
      ignite: { path: "/sdk/ignite" },
      serde: { workspace: true },
      serde_json: { version: "1" },
    });
    expect(result.files.get("m/Cargo.toml")).toContain('ignite = { path = "/sdk/ignite" }');
    expect(result.files.has("n/Cargo.toml")).toBe(false);
  });

  it("leave what is there as it is", () => {
    const own =
      'serde = "1.0.100"\nserde_json = { version = "1", features = ["preserve_order"] }\nrt = { package = "tokio", version = "1" }\n';
    const result = plan({ "Cargo.toml": `${crate}[dependencies]\n${own}`, "src/lib.rs": handler });
    const { ignite: _sdk, ...others } = manifestOf(result).dependencies;
    expect(others).toEqual((parse(`[d]\n${own}`) as { d: unknown }).d);
  });

  it("gain what is asked for beside the manifest", () => {
    const own = 'uuid = { version = "1", features = ["v4"] }\nhex = "0.4"\n';
    const result = plan({ "Cargo.toml": `${crate}[dependencies]\n${own}`, "src/lib.rs": handler }, [
      "uuid@1+v7,v4",
      "hex",
      "tokio@1.40+full",
      "base64@0.22",
      "sha2",
    ]);
    expect(manifestOf(result).dependencies).toMatchObject({
      uuid: { version: "1", features: ["v4", "v7"] },
      hex: "0.4",
      tokio: { version: "1.40", features: ["full"] },
      base64: { version: "0.22" },
      sha2: { version: "*" },
    });
    expect(result.notes).toContain("added to uuid: v7");
    expect(result.notes).toContain("added base64 0.22");
  });

  it("lend a default's version for a workspace that was not sent", () => {
    const result = plan({
      "Cargo.toml": `${crate}[dependencies]\nserde = { workspace = true, features = ["rc"] }\n`,
      "src/lib.rs": handler,
    });
    expect(manifestOf(result).dependencies["serde"]).toEqual({ version: "1", features: ["derive", "rc"] });
    expect(result.notes).toContain("added serde 1 (derive, rc) for { workspace = true }");
  });
});

describe("profiles", () => {
  it("unwind, whatever was written, and are stripped unless they are to be debugged", () => {
    const aborting = plan({
      "Cargo.toml": `${crate}[profile.release]\npanic = "abort"\nstrip = "debuginfo"\n`,
      "src/lib.rs": handler,
    });
    expect(manifestOf(aborting).profile.release).toEqual({ panic: "unwind", strip: "debuginfo" });
    expect(aborting.notes.at(-1)).toMatch(/^took panic = "unwind" for "abort"/);
    const custom = plan({
      "Cargo.toml": `${crate}[profile.fast]\ninherits = "release"\npanic = "abort"\n[profile.dev]\npanic = "unwind"\n`,
      "src/lib.rs": handler,
    });
    expect(manifestOf(custom).profile).toEqual({
      ...{
        fast: { inherits: "release", panic: "unwind" },
        dev: { panic: "unwind" },
        release: { strip: true },
      },
    });
    expect(custom.notes.filter((note) => note.includes("panic"))).toEqual([
      expect.stringContaining('took panic = "unwind" for "abort" in [profile.fast]: a handler'),
    ]);
    const debugged = plan({
      "Cargo.toml": `${crate}[profile.release]\ndebug = true\n`,
      "src/lib.rs": handler,
    });
    expect(manifestOf(debugged).profile.release).toEqual({ debug: true });
  });
});

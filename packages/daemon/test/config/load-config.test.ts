import { describe, expect, it } from "vitest";
import { loadConfig, toConfigError } from "../../src/config/index.js";
import { textFiles } from "./manifest-cases.js";

const crate = {
  "Cargo.toml": '[package]\nname = "my_crate"\nversion = "0.1.0"\n',
  "src/main.rs": "fn main() {}\n",
};

function load(texts: Record<string, string>, options: Parameters<typeof loadConfig>[1] = {}) {
  return loadConfig(textFiles(texts), options);
}

describe("the name", () => {
  const yaml = { ".platform.app.yaml": "name: in-yaml\ntype: rust:1\n" };
  const toml = { "bloom.toml": 'name = "in-toml"\n' };

  it.each([
    ["the option", { ...crate, ...yaml, ...toml }, { appName: "given" }, "given"],
    ["bloom.toml", { ...crate, ...yaml, ...toml }, {}, "in-toml"],
    [".platform.app.yaml", { ...crate, ...yaml }, {}, "in-yaml"],
    ["the crate", crate, { folderName: "folder" }, "my-crate"],
    ["the folder", { "bloom.toml": '[run]\ncommand = "./a"\n' }, { folderName: "My Folder" }, "my-folder"],
    ["nothing", { "bloom.toml": '[run]\ncommand = "./a"\n' }, {}, "app"],
  ])("comes from %s", (_, texts, options, name) => {
    expect(load(texts, options).config?.name).toBe(name);
  });

  it("may be anything in the file when the command names the app", () => {
    const texts = { ...crate, ".platform.app.yaml": "name: My_App\ntype: rust:1\n" };
    expect(load(texts).config).toBeNull();
    expect(load(texts, { appName: "my-app" })).toMatchObject({ config: { name: "my-app" }, problems: [] });
  });

  it("is checked when given", () => {
    const { config, problems } = load(crate, { appName: "My App" });
    expect(config).toBeNull();
    expect(problems[0]?.message).toContain('use "my-app"');
  });
});

describe("the only app of a project", () => {
  const texts = { ...crate, ".platform.app.yaml": "name: shop\ntype: rust:1\n" };

  it("is meant by its name, or without one", () => {
    expect(load(texts, { manifestApp: "shop" }).config?.name).toBe("shop");
    expect(load(texts).config?.name).toBe("shop");
    expect(load(crate, { manifestApp: "shop" }).config).not.toBeNull();
  });

  it("is not meant by another", () => {
    const { config, problems } = load(texts, { manifestApp: "other" });
    expect(config).toBeNull();
    expect(problems).toMatchObject([{ file: ".platform.app.yaml", line: 1, column: 7 }]);
    expect(problems[0]?.message).toContain('no app "other", only "shop"');
  });
});

describe("the start command", () => {
  it.each([
    ["cargo build", "debug"],
    ["set -e\ncargo build --locked", "debug"],
    ["cargo build --release", "release"],
    ["cargo b -r --locked", "release"],
    ["cargo build --profile dist", "dist"],
    ["cargo build --profile=dev", "debug"],
    ["make", "release"],
  ])("follows the build script %j", (hook, folder) => {
    const { config } = load({ ...crate, "bloom.toml": `[build]\ncommand = ${JSON.stringify(hook)}\n` });
    expect(config?.web.start).toBe(`./target/${folder}/my_crate`);
  });

  it.each([
    ['profile = "dev"', "./target/debug/my_crate"],
    ['profile = "bench"', "./target/release/my_crate"],
    ['profile = "dist"', "./target/dist/my_crate"],
    ['target = "aarch64-unknown-linux-gnu"', "./target/aarch64-unknown-linux-gnu/release/my_crate"],
    ['target = "specs/board.json"\nprofile = "dev"', "./target/board/debug/my_crate"],
  ])("follows cargo's choice of folder for %s", (build, start) => {
    expect(load({ ...crate, "bloom.toml": `[build]\n${build}\n` }).config?.web.start).toBe(start);
  });

  it.each([
    ["[[bin]] with a path of its own", '[[bin]]\nname = "b"\npath = "b.rs"\n', ["b.rs"], "b"],
    [
      "[[bin]] that renames src/main.rs",
      '[[bin]]\nname = "b"\npath = "./src/main.rs"\n',
      ["src/main.rs"],
      "b",
    ],
    ["[[bin]] of the package's name", '[[bin]]\nname = "p"\n', ["src/main.rs"], "p"],
    ["a folder below src/bin", "", ["src/bin/b/main.rs", "src/bin/b/other.rs"], "b"],
    ["autobins off", 'autobins = false\n[[bin]]\nname = "b"\npath = "b.rs"\n', ["src/main.rs", "b.rs"], "b"],
  ])("finds %s", (_, more, paths, bin) => {
    const texts = Object.fromEntries(paths.map((path) => [path, ""]));
    const { config } = load({ ...texts, "Cargo.toml": `[package]\nname = "p"\n${more}` });
    expect(config?.web.start).toBe(`./target/release/${bin}`);
  });
});

describe("the shape", () => {
  it("is what bloom.toml says, before anything else", () => {
    const texts = {
      ...crate,
      "bloom.toml": 'shape = "web"\n',
      ".platform.app.yaml": "type: rust:1\n",
      "app.ini": "plugin = rust\n",
      "src/main.rs": "#[ignite::main]\nfn main() {}\n",
    };
    expect(load(texts).config?.detected).toBe('bloom.toml says shape = "web"');
    expect(load({ ...texts, "bloom.toml": "" }).config?.detected).toBe(
      ".platform.app.yaml is there; bloom.toml replaces it key by key",
    );
  });

  it.each([
    ["a.ini", "[uwsgi]\nplugins = http,rust\n", 'a.ini has "plugins = http,rust"'],
    ["a.ini", "rust-fn=f\n", 'a.ini has "rust-fn=f"'],
    ["uwsgi.ini", "; plugin = rust\n rust-fn = f", 'uwsgi.ini has "rust-fn = f"'],
  ])("is a prefork app's by %s with %j", (file, text, detected) => {
    const { config } = load({ [file]: text, "app.rs": '#![crate_type = "cdylib"]\n' });
    expect(config).toMatchObject({ shape: "prefork", detected, network: "none", web: { start: "" } });
    expect(config?.prefork).toMatchObject({ ini: file, source: { kind: "files", files: ["app.rs"] } });
  });

  it("is not taken from sources of other crates", () => {
    const texts = {
      "examples/f/src/main.rs": "#[ignite::main]\n",
      "examples/f/Cargo.toml": '[package]\nname = "f"\n',
    };
    expect(load({ ...crate, ...texts }).config?.shape).toBe("web");
    const workspace = { ...texts, "Cargo.toml": '[workspace]\nmembers = ["examples/f"]\n' };
    expect(load(workspace).config?.detected).toBe("examples/f/src/main.rs has #[ignite::main]");
  });

  it("is a function's by its attribute, whatever stands between its signs", () => {
    const { config } = load({ ...crate, "src/lib.rs": "# [ ignite :: main ]\n" });
    expect(config).toMatchObject({ shape: "function", network: "none", web: { start: "" } });
  });

  it("is a function's when that is what it is meant to be, unless bloom.toml says otherwise", () => {
    const texts = { ...crate, "src/main.rs": "fn main() {}\n" };
    expect(load(texts, { shape: "function" }).config).toMatchObject({
      shape: "function",
      detected: "it is meant to be one",
    });
    expect(load({ ...texts, "bloom.toml": 'shape = "web"\n' }, { shape: "function" }).config?.shape).toBe(
      "web",
    );
  });

  it("wasm is refused with a code of its own", () => {
    const { problems } = load({ ...crate, "bloom.toml": '[function]\n[build]\ntarget = "wasm"\n' });
    expect(toConfigError(problems)).toMatchObject({
      code: "ERR_SHAPE_UNSUPPORTED",
      message: expect.stringContaining("build.target") as string,
    });
  });

  it("is not taken from other ini files", () => {
    expect(
      load({ ...crate, "a.ini": "plugin = python\n", "conf/b.ini": "plugin = rust\n" }).config?.shape,
    ).toBe("web");
  });
});

describe("toConfigError", () => {
  it.each([
    [{ "README.md": "" }, "ERR_SHAPE_UNKNOWN"],
    [{ ...crate, "bloom.toml": '[function]\n[build]\ntarget = "wasm"\n' }, "ERR_SHAPE_UNSUPPORTED"],
    [{ ...crate, "bloom.toml": "a = 1\nb = 1\n" }, "ERR_MANIFEST_INVALID"],
  ])("has a code for %j", (texts, code) => {
    const { problems } = load(texts);
    const error = toConfigError(problems);
    expect(error.code).toBe(code);
    expect(error.details).toEqual({ problems });
    expect(error.message.split("\n")).toHaveLength(problems.length);
  });
});

describe("loadConfig", () => {
  it("gives a config that cannot be changed", () => {
    const { config } = load({ ...crate, "bloom.toml": '[build]\nfeatures = ["a"]\n' });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config?.web.locations["/"])).toBe(true);
    expect(Object.isFrozen(config?.build.cargo.features)).toBe(true);
  });

  it("is the same for the same files, so that versions can be compared", () => {
    const texts = { ...crate, ".platform.app.yaml": "type: rust:1\nvariables: { env: { B: 1, A: [1] } }\n" };
    expect(JSON.stringify(load(texts))).toBe(JSON.stringify(load(texts)));
  });
});

describe("a manifest longer than a variable may be", () => {
  it.each([
    [".platform.app.yaml", (one: string, at: number) => `    "/l${at}": { headers: { X: "${one}" } }\n`],
    ["bloom.toml", (one: string, at: number) => `[http.locations."/l${at}".headers]\nX = "${one}"\n`],
  ])("is said where its locations are, in %s", (file, write) => {
    const locations = Array.from({ length: 100 }, (_, at) => write("x".repeat(1900), at)).join("");
    const head = file === "bloom.toml" ? "" : "name: a\ntype: rust:1\nweb:\n  locations:\n";
    const { config, problems } = load({ ...crate, [file]: head + locations });
    expect(config).not.toBeNull();
    expect(problems).toMatchObject([{ severity: "warning", file }]);
    expect(problems[0]?.message).toContain("PLATFORM_APPLICATION leaves out the locations");
  });
});

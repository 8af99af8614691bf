import { join } from "node:path";
import { completeConfig, type AppConfig } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { planProgram } from "../../../src/build/function/plan-program.js";
import { prepareFunction } from "../../../src/build/function/prepare-function.js";
import type { Sdk } from "../../../src/build/function/sdk.js";
import { openSourceStore, type SourceStore } from "../../../src/build/source-store.js";
import { takeProgram } from "../../../src/build/take-program.js";
import { makeTempDir, uploadFiles } from "../helpers.js";
import { crate, handler } from "./plan-code.js";

const sdk: Sdk = {
  version: "0.1.0",
  digest: "ab".repeat(32),
  rustVersion: "1.85",
  path: "/sdk/ab/ignite",
  lockfile: null,
  mount: { source: "/home/sdk/ab", target: "/sdk/ab" },
};

let store: SourceStore;
let tree: string;

async function prepare(
  files: Readonly<Record<string, string>>,
  part: Partial<AppConfig> = {},
  toolchain = "1.95.0",
  variables: Readonly<Record<string, string>> = {},
) {
  store = await openSourceStore(join(await makeTempDir(), "sources"));
  tree = await uploadFiles(store, files);
  const config = completeConfig({ name: "f", web: { start: "" }, function: {}, ...part });
  return prepareFunction(store, { tree, config, variables, toolchain }, sdk);
}

const code = { "Cargo.toml": crate, "src/lib.rs": handler };

describe("a function's code is prepared", () => {
  it("as a tree of its own, and stays as it was sent", async () => {
    const own = await prepare(code);
    expect(own.tree.list().toSorted()).toEqual([".ignite/main.rs", "Cargo.toml", "src/lib.rs"]);
    expect(own.tree.read("Cargo.toml")).toContain('path = "/sdk/ab/ignite"');
    expect(own.config.build.cargo).toMatchObject({ package: "my-hello", bin: "my-hello" });
    expect((await store.openTree(tree)).read("Cargo.toml")).toBe(crate);
    expect(own.facts).toEqual({
      codeHash: tree,
      sdk: "0.1.0+abababababab",
      toolchain: "1.95.0",
      added: own.notes,
    });
  });

  it("in its own folder of a larger tree, by its own names", async () => {
    const files = Object.fromEntries(Object.entries(code).map(([path, text]) => [`fns/a/${path}`, text]));
    const own = await prepare({ ...files, "README.md": "" }, { sourceRoot: "fns/a" });
    expect(own.tree.list().toSorted()).toEqual([".ignite/main.rs", "Cargo.toml", "src/lib.rs"]);
  });

  it("with the crates its config asks for", async () => {
    const config = completeConfig({ web: { start: "" }, function: { dependencies: ["uuid@1+v4"] } });
    const own = await prepare(code, { function: config.function });
    expect(own.tree.read("Cargo.toml")).toContain("uuid");
    expect(own.facts.added).toContain("added uuid 1 (v4)");
  });

  it("so that no variable of its build lets a panic end the process", async () => {
    const written = {
      CARGO_PROFILE_RELEASE_PANIC: "abort",
      CARGO_PROFILE_DEV_PANIC: "unwind",
      HINT: "panic=abort",
    };
    const given = {
      ...{
        CARGO_PROFILE_MY_FAST_PANIC: "abort",
        RUSTFLAGS: "-Cpanic=abort -g",
        CARGO_PROFILE_RELEASE_LTO: "fat",
      },
      CARGO_ENCODED_RUSTFLAGS: "-C\u001fpanic=abort",
    };
    const own = await prepare(code, { variables: written }, "1.95.0", given);
    expect(own.config.variables).toEqual({ ...written, CARGO_PROFILE_RELEASE_PANIC: "unwind" });
    expect(own.variables).toEqual({
      ...{
        CARGO_PROFILE_MY_FAST_PANIC: "unwind",
        RUSTFLAGS: "-Cpanic=unwind -g",
        CARGO_PROFILE_RELEASE_LTO: "fat",
      },
      CARGO_ENCODED_RUSTFLAGS: "-C\u001fpanic=unwind",
    });
    const said = own.notes.flatMap(
      (note) => /^took unwind for abort in the variable (\w+): /.exec(note)?.[1] ?? [],
    );
    expect(said.toSorted()).toEqual([
      "CARGO_ENCODED_RUSTFLAGS",
      "CARGO_PROFILE_MY_FAST_PANIC",
      "CARGO_PROFILE_RELEASE_PANIC",
      "RUSTFLAGS",
    ]);
    expect(own.facts.added).toEqual(own.notes);
  });
});

it.each([
  ["a file where the program goes", { ...code, function: "x" }, {}, /"function" at the root/],
  ["a folder where the program goes", { ...code, "function/data.json": "1" }, {}, /"function" at the root/],
  ["no Cargo.toml", { "src/lib.rs": handler }, {}, /no \[package\]/],
  ["no handler", { ...code, "src/lib.rs": "" }, {}, /there is no handler/],
  ["two handlers", { ...code, "src/main.rs": handler }, {}, /there are 2 handlers/],
  [
    "a setting to abort",
    { ...code, ".cargo/config.toml": '[profile.release]\npanic = "abort"\n' },
    {},
    /panic/,
  ],
])("%s is refused before cargo is asked", async (_, files, part, words) => {
  await expect(prepare(files, part)).rejects.toMatchObject({
    code: "ERR_MANIFEST_INVALID",
    message: expect.stringMatching(words) as string,
  });
});

it("a toolchain that is too old for the SDK is refused, and the one that is needed is named", async () => {
  await expect(prepare(code, {}, "1.68.2")).rejects.toMatchObject({
    code: "ERR_MANIFEST_INVALID",
    message: expect.stringMatching(/Rust 1\.85 or newer.*1\.68\.2/) as string,
  });
  await expect(prepare(code, {}, "1.85.0")).resolves.toBeDefined();
});

describe("its program", () => {
  const plain = { from: ["target/release/my-hello"], to: "function", leaveOut: "target" };

  it("is where cargo puts it for the profile and the target that are asked for", async () => {
    const own = await prepare({
      ...code,
      ".cargo/config.toml": '[build]\ntarget = "x86_64-unknown-linux-musl"\n',
    });
    expect(planProgram(await prepare(code))).toEqual(plain);
    expect(planProgram(own).from).toEqual([
      "target/x86_64-unknown-linux-musl/release/my-hello",
      "target/release/my-hello",
    ]);
    const cargo = { ...own.config.build.cargo, profile: "dev" };
    const dev = await prepare(code);
    expect(
      planProgram({ ...dev, config: { ...own.config, build: { ...own.config.build, cargo } } }).from,
    ).toEqual(["target/debug/my-hello"]);
  });

  it("is all that is taken of cargo's folder", () => {
    const file = (path: string, kind: "file" | "link" = "file") => ({
      path,
      kind,
      mode: 0o755,
      target: null,
    });
    const listed = [
      file("src/lib.rs"),
      file("target"),
      file("target/release/my-hello"),
      file("target/release/x"),
    ];
    const taken = takeProgram([...listed, file("function/left"), file("targets")], plain);
    expect(taken.entries.map(({ path }) => path)).toEqual(["src/lib.rs", "targets", "function"]);
    expect(taken.from).toBe("target/release/my-hello");
    expect(() => takeProgram([file("target/release/my-hello", "link")], plain)).toThrow(
      "there is no program at target/release/my-hello",
    );
  });
});

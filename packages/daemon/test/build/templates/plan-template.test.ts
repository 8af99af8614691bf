import { completeConfig, type AppConfig } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { openSourceStore } from "../../../src/build/source-store.js";
import { chooseTemplate, isStillFitting } from "../../../src/build/templates/choose-template.js";
import { planTemplate, type TemplatePlan } from "../../../src/build/templates/plan-template.js";
import { makeTempDir, uploadFiles } from "../helpers.js";

const registry = "registry+https://github.com/rust-lang/crates.io-index";
const locked = (name: string, more = `source = "${registry}"\nchecksum = "${name}-sum"\n`): string =>
  `[[package]]\nname = "${name}"\nversion = "1.0.0"\n${more}\n`;
const lock = (...names: string[]): string =>
  `version = 4\n\n${locked("app", "")}${names.map((name) => locked(name)).join("")}`;

const files: Readonly<Record<string, string>> = {
  "Cargo.toml": '[package]\nname = "app"\nversion = "0.1.0"\n[dependencies]\na = "1"\nb = "1"\nc = "1"\n',
  "Cargo.lock": lock("a", "b", "c"),
  "src/main.rs": 'fn main() { panic!("the project\'s own code") }',
  "build.rs": "fn main() { std::process::exit(1) }",
  ".cargo/config.toml": '[build]\nrustc-wrapper = "/app/evil"\n',
};

async function plan(
  change: Readonly<Record<string, string>> = {},
  options: {
    build?: Partial<AppConfig["build"]>;
    variables?: Record<string, string>;
    toolchain?: string;
  } = {},
): Promise<TemplatePlan | string> {
  const store = await openSourceStore(await makeTempDir());
  const tree = await store.openTree(await uploadFiles(store, { ...files, ...change }));
  const config = completeConfig({ web: { start: "./app" }, build: options.build ?? {} });
  return planTemplate(tree, config, options.toolchain ?? "1.95.0", options.variables ?? {});
}

async function planned(...args: Parameters<typeof plan>): Promise<TemplatePlan> {
  const found = await plan(...args);
  if (typeof found === "string") throw new Error(found);
  return found;
}

describe("the plan of a template", () => {
  it("has the manifests, the lockfile and sources without a word of the project", async () => {
    const { files: made, packages } = await planned();
    expect([...made.keys()].toSorted()).toEqual(["Cargo.lock", "Cargo.toml", "build.rs", "src/main.rs"]);
    expect(made.get("src/main.rs")).not.toContain("panic");
    expect(made.get("build.rs")).not.toContain("exit");
    expect(packages).toEqual(["a 1.0.0 a-sum", "b 1.0.0 b-sum", "c 1.0.0 c-sum"]);
  });

  it("is the same for an app of another name, and another for other features, profiles, flags and toolchains", async () => {
    const { key } = await planned();
    const renamed = { "Cargo.toml": (files["Cargo.toml"] ?? "").replace('"app"', '"shop"') };
    const named = { ...renamed, "Cargo.lock": lock("a", "b", "c").replace('"app"', '"shop"') };
    expect((await planned(named)).key).toBe(key);
    expect((await planned({}, { variables: { SECRET: "s" } })).key).toBe(key);
    const featured = (files["Cargo.toml"] ?? "").replace(
      'a = "1"',
      'a = { version = "1", features = ["x"] }',
    );
    const others = await Promise.all([
      planned({ "Cargo.toml": featured }),
      planned({ "Cargo.lock": lock("a", "b", "c", "d") }),
      planned({}, { toolchain: "1.96.0" }),
      planned({}, { variables: { RUSTFLAGS: "-C target-cpu=native" } }),
      planned({}, { build: { hook: "cargo build" } }),
    ]);
    expect(new Set([key, ...others.map((other) => other.key)]).size).toBe(others.length + 1);
  });

  it("is read from a hook that begins with an ordinary cargo build", async () => {
    const { key } = await planned();
    expect((await planned({}, { build: { hook: "set -e\ncargo build --release\n./assets.sh" } })).key).toBe(
      key,
    );
  });

  it.each<[string, Record<string, string>, Parameters<typeof plan>[1]]>([
    [
      "a crate from git",
      { "Cargo.lock": lock("a", "b", "c") + locked("g", 'source = "git+https://x.test/g#1"\n') },
      {},
    ],
    [
      "another registry",
      { "Cargo.lock": lock("a", "b", "c").replace(registry, "registry+https://x.test/i") },
      {},
    ],
    [
      "a crate without a checksum",
      { "Cargo.lock": lock("a", "b", "c") + locked("g", `source = "${registry}"\n`) },
      {},
    ],
    ["a package of its own with a crate's name", { "Cargo.lock": lock("a", "b", "c") + locked("a", "") }, {}],
    ["hardly any dependencies", { "Cargo.lock": lock("a") }, {}],
    ["no lockfile worth the name", { "Cargo.lock": "[[[" }, {}],
    [
      "replaced crates",
      { "Cargo.toml": `${files["Cargo.toml"] ?? ""}[patch.crates-io]\na = { path = "a" }\n` },
      {},
    ],
    ["a target of its own", { "target/x": "1" }, {}],
    ["another compiler", {}, { variables: { RUSTC_WRAPPER: "/app/evil" } }],
    ["another place for its target", {}, { variables: { CARGO_TARGET_DIR: "/tmp/t" } }],
    ["a hook of its own ways", {}, { build: { hook: "make" } }],
    ["a hook with flags of its own", {}, { build: { hook: "RUSTFLAGS=-g cargo build" } }],
    ["a hook that removes its target", {}, { build: { hook: "cargo build\nrm -rf ./target" } }],
  ])("cannot be made for %s", async (_, change, options) => {
    expect(await plan(change, options)).toEqual(expect.any(String));
  });
});

describe("the choice of a template", () => {
  const templateOf = ({ key, flavor, packages }: TemplatePlan) => ({ key, flavor, packages });

  it("is the same one, else the largest that has nothing the app has not", async () => {
    const own = await planned({ "Cargo.lock": lock("a", "b", "c", "d") });
    const small = templateOf(await planned());
    const large = templateOf(
      await planned({ "Cargo.lock": lock("a", "b", "c", "d"), "x/Cargo.toml": "[features]\n" }),
    );
    expect(chooseTemplate(own, [small, large])?.key).toBe(large.key);
    expect(chooseTemplate(own, [small, large, templateOf(own)])?.key).toBe(own.key);
  });

  it("is none with a package or a checksum that the app has not chosen, in another flavor, or with too little", async () => {
    const own = await planned();
    const more = templateOf(await planned({ "Cargo.lock": lock("a", "b", "c", "evil") }));
    const forged = templateOf(
      await planned({ "Cargo.lock": lock("a", "b", "c").replace("c-sum", "forged") }),
    );
    const old = templateOf(await planned({ "x/Cargo.toml": "[features]\n" }, { toolchain: "1.94.0" }));
    expect(chooseTemplate(own, [more, forged, old])).toBeNull();
    const wide = await planned({ "Cargo.lock": lock("a", "b", "c", "d", "e", "f", "g", "h") });
    expect(chooseTemplate(wide, [templateOf(own)])).toBeNull();
    expect(isStillFitting(old, own)).toBe(false);
    expect(isStillFitting(more, own)).toBe(true);
  });
});

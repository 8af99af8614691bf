import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { completeConfig, type AppConfig, type PreforkConfig } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { isRoot, openBuilder } from "../builder-bench.js";
import { copyFixture, findShim, makeTar, readTree, streamOf, uploadFiles, uploadFolder } from "../helpers.js";
import { findHost, makeForeignHost } from "./make-host.js";

const isLacking = findShim() === null || findHost() === null;

const modern = `#![crate_type = "cdylib"]
use std::collections::HashMap;
#[no_mangle]
pub extern "C" fn app(_: HashMap<&str, &str>) -> (String, Vec<(String, String)>, Vec<Vec<u8>>) {
    (String::from("200 OK"), vec![], vec![])
}
`;
const ini = "[uwsgi]\nplugin = rust\ndlopen = ./libapp.so\nrust-fn = app\n";

function configOf(prefork: Partial<PreforkConfig>, build: Partial<AppConfig["build"]> = {}): AppConfig {
  return completeConfig({ name: "probe", prefork, build, web: { start: "" } });
}

const ofFiles = (...files: string[]): AppConfig => configOf({ source: { kind: "files", files } });

function openBench(options: Parameters<typeof openBuilder>[0] = {}) {
  return openBuilder({ host: findHost() ?? "", ...options });
}

/** Names that a library offers to whoever loads it. */
function exportsOf(library: string): string[] {
  const lines = execFileSync("nm", ["-D", "--defined-only", library], { encoding: "utf8" })
    .trim()
    .split("\n");
  return lines.map((line) => line.split(" ").at(-1) ?? "");
}

describe.skipIf(isLacking).each([
  ["as root", true],
  ["without root", false],
])("a prefork app %s", (_, asRoot) => {
  it.skipIf(asRoot && !isRoot)("of one file in the Rust of 2015 becomes a library", async () => {
    const bench = await openBench({ asRoot });
    const folder = await copyFixture("prefork-old");
    const { artifact, facts } = await bench.build(await uploadFolder(bench.sources, folder), {
      config: ofFiles("counter.rs"),
    });
    const made = bench.artifacts.pathOf(artifact.digest);
    expect(facts).toBeNull();
    expect(exportsOf(join(made, "libcounter.so"))).toContain("tell");
    // Nothing of the author's is changed, and nothing else is left.
    const { "libcounter.so": _library, ...rest } = await readTree(made);
    expect(rest).toEqual(await readTree(folder));
    const log = await readFile(bench.logFile, "utf8");
    expect(log).toContain("counter.rs is not of today's Rust; it is compiled as edition 2015, from a copy:");
    expect(log).toContain("  removed #![feature(core, collections)] (line 2): needed no more\n");
    expect(log).toContain("  String::from_str: added a local trait");
    expect(log).not.toContain("error[");
    await bench.artifacts.verify(artifact.digest);
    const again = await bench.build(await uploadFolder(bench.sources, folder), {
      config: ofFiles("counter.rs"),
    });
    expect(again).toMatchObject({ reused: true, artifact: { digest: artifact.digest } });
  });

  it.skipIf(asRoot && !isRoot)("of a crate becomes a library at the place that the ini names", async () => {
    const bench = await openBench({ asRoot });
    const tree = await uploadFolder(bench.sources, await copyFixture("prefork-crate"));
    const { artifact } = await bench.build(tree, { config: configOf({}) });
    const made = bench.artifacts.pathOf(artifact.digest);
    expect(Object.keys(await readTree(made))).toEqual([
      "Cargo.lock",
      "Cargo.toml",
      "app.ini",
      "lib/libecho.so",
      "src/lib.rs",
    ]);
    const library = join(made, "lib/libecho.so");
    expect(exportsOf(library)).toEqual(["echo"]);
    expect(execFileSync("readelf", ["-d", library], { encoding: "utf8" })).not.toContain("libstd-");
    expect(await readFile(bench.logFile, "utf8")).toContain(
      'Cargo.toml: built as "cdylib" instead of "dylib"',
    );
  });
});

describe.skipIf(isLacking)("a prefork app", () => {
  it("of one file in today's Rust is compiled as it is", async () => {
    const bench = await openBench();
    const tree = await uploadFiles(bench.sources, { "app.rs": modern, "app.ini": ini, "static/a.txt": "a" });
    const { artifact } = await bench.build(tree, { config: ofFiles("app.rs") });
    const made = bench.artifacts.pathOf(artifact.digest);
    expect(exportsOf(join(made, "libapp.so"))).toEqual(["app"]);
    expect(Object.keys(await readTree(made))).toEqual(["app.ini", "app.rs", "libapp.so", "static/a.txt"]);
    expect(await readFile(bench.logFile, "utf8")).not.toContain("today's Rust");
  });

  it("of the safe kind is compiled with the platform's crates, whatever its compiler", async () => {
    const bench = await openBench({ network: "host", host: await makeForeignHost() });
    const folder = await copyFixture("prefork-safe");
    const { artifact } = await bench.build(await uploadFolder(bench.sources, folder), {
      config: configOf({}),
    });
    const made = bench.artifacts.pathOf(artifact.digest);
    expect(exportsOf(join(made, "target/release/libprefork_safe.so"))).toEqual(["bloom_prefork_v1"]);
    const log = await readFile(bench.logFile, "utf8");
    expect(log).toContain(`Cargo.toml: took prefork 0.1.0 (the platform's) for "0.1"`);
    expect(log).toContain("cargo build --release --locked --offline");
  });

  it("may bring its library, or a script that makes it", async () => {
    const bench = await openBench();
    const first = await bench.build(await uploadFiles(bench.sources, { "app.rs": modern, "app.ini": ini }), {
      config: ofFiles("app.rs"),
    });
    const library = join(bench.artifacts.pathOf(first.artifact.digest), "libapp.so");
    const hook = "rustc --edition 2021 -o libapp.so app.rs";
    const scripted = await bench.build(
      await uploadFiles(bench.sources, { "app.rs": modern, "app.ini": ini }),
      {
        config: configOf({ source: { kind: "prebuilt" } }, { hook }),
      },
    );
    expect(exportsOf(join(bench.artifacts.pathOf(scripted.artifact.digest), "libapp.so"))).toEqual(["app"]);
    const entry = { path: "libapp.so", body: await readFile(library) };
    const sent = await bench.sources.receiveArchive(
      streamOf(makeTar([entry, { path: "app.ini", body: ini }]), 70_000),
    );
    const brought = await bench.build(sent.tree, { config: configOf({ source: { kind: "prebuilt" } }) });
    expect(await readFile(join(bench.artifacts.pathOf(brought.artifact.digest), "libapp.so"))).toEqual(
      entry.body,
    );
  });

  it.each<[string, Record<string, string>, AppConfig, object]>([
    [
      "a mistake in its source",
      { "app.rs": modern.replace('String::from("200 OK")', "nowhere"), "app.ini": ini },
      ofFiles("app.rs"),
      { code: "ERR_BUILD_FAILED", where: { file: "app.rs", line: 5, column: 6 } },
    ],
    [
      "a mistake in an old source, whose lines stay where they are",
      { "app.rs": `#![feature(core)]\n${modern}\nfn other() { missing() }\n`, "app.ini": ini },
      ofFiles("app.rs"),
      { code: "ERR_BUILD_FAILED", where: { file: "app.rs", line: 9, column: 14 } },
    ],
    [
      "a source of what is gone",
      { "app.rs": `${modern}use std::old_io::File;\n`, "app.ini": ini },
      ofFiles("app.rs"),
      { code: "ERR_BUILD_FAILED", where: { file: "app.rs", line: 7, column: 1 } },
    ],
    [
      "a mistake in its ini",
      { "app.rs": modern, "app.ini": `${ini}processs = 1\n` },
      ofFiles("app.rs"),
      { code: "ERR_MANIFEST_INVALID", where: { file: "app.ini", line: 5, column: 1 } },
    ],
    [
      "no library in its ini",
      { "app.rs": modern, "app.ini": "[uwsgi]\nplugin = rust\n" },
      ofFiles("app.rs"),
      { code: "ERR_MANIFEST_INVALID", where: { file: "app.ini", line: 1, column: 1 } },
    ],
    [
      "a library outside of its folder",
      { "app.rs": modern, "app.ini": ini.replace("./libapp.so", "/usr/lib/libapp.so") },
      ofFiles("app.rs"),
      { code: "ERR_MANIFEST_INVALID", where: { file: "app.ini", line: 3, column: 10 } },
    ],
    [
      "two sources, of which neither is named",
      { "a.rs": modern, "b.rs": modern, "app.ini": ini },
      ofFiles("a.rs", "b.rs"),
      { code: "ERR_MANIFEST_INVALID", where: { file: "app.ini", line: 3, column: 10 } },
    ],
    [
      "a function that is not there",
      { "app.rs": modern.replace("fn app(", "fn other("), "app.ini": ini },
      ofFiles("app.rs"),
      { code: "ERR_BUILD_FAILED", message: "libapp.so has no function app" },
    ],
    [
      "a library that is none",
      { "libapp.so": "no library", "app.ini": ini },
      configOf({ source: { kind: "prebuilt" } }),
      { code: "ERR_BUILD_FAILED", message: "libapp.so is no shared library" },
    ],
    [
      "a crate that a file alone cannot have",
      { "app.rs": '#![crate_type = "cdylib"]\nuse prefork::Request;\n', "app.ini": ini },
      ofFiles("app.rs"),
      {
        code: "ERR_BUILD_FAILED",
        where: { file: "app.rs", line: 2 },
        hint: expect.stringContaining("Cargo.toml") as string,
      },
    ],
    [
      "an ini that is gone",
      { "app.rs": modern },
      ofFiles("app.rs"),
      { code: "ERR_MANIFEST_INVALID", where: { file: "app.ini", line: 1, column: 1 } },
    ],
  ])("is refused for %s", async (_, files, config, failure) => {
    const bench = await openBench();
    const tree = await uploadFiles(bench.sources, files);
    await expect(bench.build(tree, { config })).rejects.toMatchObject(failure);
  });

  it("of the classic kind has the host's compiler, or is not compiled at all", async () => {
    const bench = await openBench({ host: await makeForeignHost() });
    const tree = await uploadFiles(bench.sources, { "app.rs": modern, "app.ini": ini });
    const failure = await bench.build(tree, { config: ofFiles("app.rs") }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "ERR_BUILD_FAILED" });
    expect((failure as Error).message).toMatch(
      /compiled by Rust \d+\.\d+\.\d+, and the host that calls it by Rust 1\.1\d\.\d+/,
    );
  });

  it("is not built without the host", async () => {
    const bench = await openBuilder();
    const tree = await uploadFiles(bench.sources, { "app.rs": modern, "app.ini": ini });
    await expect(bench.build(tree, { config: ofFiles("app.rs") })).rejects.toMatchObject({
      code: "ERR_TOOLCHAIN_MISSING",
    });
  });
});

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { completeConfig, type AppConfig } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { makeAhead } from "../../../src/build/function/make-ahead.js";
import { makeApp, openBuilder, type BuilderBench } from "../builder-bench.js";
import { findShim, readTree, uploadFiles } from "../helpers.js";
import { makeLockfile } from "../templates/registry.js";

const crate = '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n';
const handler = (answer: string): string => `use ignite::prelude::*;

#[ignite::main]
async fn handler(_req: Request, ctx: Context) -> Result<impl IntoResponse> {
    Ok(ignite::json!({ "answer": ${answer}, "id": ctx.execution_id() }))
}
`;
const hello = { "Cargo.toml": crate, "src/lib.rs": handler("1"), "data/words.json": "[1]" };
const makeConfig = (own: { dependencies?: readonly string[] } = {}): AppConfig =>
  completeConfig({ name: "hello", web: { start: "" }, function: own });

let apps = 0;

/** As an app that has never been built. */
async function build(bench: BuilderBench, files: Readonly<Record<string, string>>, config = makeConfig()) {
  const tree = await uploadFiles(bench.sources, files);
  return bench.build(tree, { config, app: makeApp(`app-f${++apps}`) });
}

const phasesOf = ({ events }: Awaited<ReturnType<typeof build>>): string[] =>
  events.flatMap((event) => (event.type === "phase" ? [event.phase] : []));

async function lockOf(bench: BuilderBench, digest: string): Promise<string> {
  return readFile(join(bench.artifacts.pathOf(digest), "Cargo.lock"), "utf8");
}

describe.skipIf(findShim() === null)("functions", { timeout: 400_000 }, () => {
  it("are compiled upon what all of them share", async () => {
    const bench = await openBuilder({ network: "host", timeLimitSeconds: 390 });
    const signal = new AbortController().signal;
    const job = { id: "bld-ahead", logFile: join(bench.home, "log/ahead.log"), signal, ordinaryGroups: [] };
    expect(await makeAhead(bench.deps, job)).toBe("made");
    expect(await makeAhead(bench.deps, job)).toBe("present");
    expect(existsSync(bench.templates.store.folders.job.app)).toBe(false);

    const began = performance.now();
    const first = await build(bench, hello);
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(first.stats).toMatchObject({ compiled: 1, rebuilt: [] });
    expect(first.stats.fresh).toBeGreaterThan(20);
    // Nothing is downloaded, either.
    expect(phasesOf(first)).toEqual(["compile", "collect"]);
    expect(first.facts).toMatchObject({
      codeHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      sdk: expect.stringMatching(/^\d+\.\d+\.\d+\+[0-9a-f]{12}$/) as string,
      toolchain: first.toolchain,
    });
    expect(first.facts?.added).toContainEqual(expect.stringContaining("added ignite"));
    expect(first.events).toContainEqual({ type: "log", source: "build", text: first.facts?.added[0] });

    const dir = bench.artifacts.pathOf(first.artifact.digest);
    const files = ["data/words.json", "function", "src/lib.rs"];
    expect(Object.keys(await readTree(dir))).toEqual([
      ".ignite/main.rs",
      "Cargo.lock",
      "Cargo.toml",
      ...files,
    ]);
    expect((await stat(join(dir, "function"))).size).toBeLessThan(2 * 1024 ** 2);
    expect((await stat(join(dir, "function"))).mode & 0o777).toBe(0o755);
    // Asked for no socket by anybody, it serves on the loopback: enough to see that it is the program.
    expect(() => execFileSync(join(dir, "function"), { timeout: 500, stdio: "ignore" })).toThrow(/ETIMEDOUT/);

    const again = await bench.build(await uploadFiles(bench.sources, hello), { config: makeConfig() });
    expect(again).toMatchObject({ reused: true, artifact: first.artifact, facts: first.facts });

    await expectMistakes(bench);
    await expectVersions(bench);
  });
});

/** What is wrong is said with the place in the file that its author wrote. */
async function expectMistakes(bench: BuilderBench): Promise<void> {
  const broken = { ...hello, "src/lib.rs": handler("missing") };
  const failure = await build(bench, broken).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "ERR_BUILD_FAILED", details: { exitCode: 101 } });
  const tail = (failure as { details: { tail: string[] } }).details.tail.join("\n");
  expect(tail).toContain("cannot find value `missing` in this scope");
  expect(tail).toContain("src/lib.rs:5:34");

  const misused = { ...hello, "src/lib.rs": "#[ignite::main]\nasync fn hello() -> u8 { 1 }\n" };
  const refused = await build(bench, misused).catch((error: unknown) => error);
  const said = (refused as { details: { tail: string[] } }).details.tail.join("\n");
  expect(said).toMatch(/#\[ignite::main\]|`handler`/);
  expect(said).toContain("src/lib.rs:2:10");

  const absent = makeConfig({ dependencies: ["bloomery-no-such-crate@1"] });
  const unknown = await build(bench, hello, absent).catch((error: unknown) => error);
  expect(unknown).toMatchObject({ code: "ERR_BUILD_FAILED" });
  expect((unknown as { details: { tail: string[] } }).details.tail.join("\n")).toContain(
    "bloomery-no-such-crate",
  );
}

/** A lockfile's own versions stay, what is asked for besides is there, and the rest is the platform's. */
async function expectVersions(bench: BuilderBench): Promise<void> {
  const manifest = `${crate}[dependencies]\nhttpdate = "=1.0.2"\n[profile.release]\npanic = "abort"\n`;
  const own = makeLockfile({ "Cargo.toml": manifest, "src/lib.rs": "" }) ?? "";
  const pinned = { "Cargo.toml": manifest.replace("=1.0.2", "1"), "Cargo.lock": own };
  const code = { ...pinned, "src/lib.rs": handler("httpdate::fmt_http_date(std::time::UNIX_EPOCH)") };
  const config = makeConfig({ dependencies: ["fastrand@2"] });
  const app = makeApp("app-versions");
  const built = await bench.build(await uploadFiles(bench.sources, code), { config, app });
  expect(phasesOf(built)).toEqual(["fetch", "compile", "collect"]);
  expect(built.facts?.added.join("\n")).toMatch(/panic = "unwind"[^]*fastrand|fastrand[^]*panic = "unwind"/);
  const lock = await lockOf(bench, built.artifact.digest);
  expect(lock).toContain('name = "httpdate"\nversion = "1.0.2"');
  expect(lock).toContain('name = "fastrand"\nversion = "2.');
  const tokio = /name = "tokio"\nversion = "[^"]+"/;
  expect(tokio.exec(lock)?.[0]).toBe(tokio.exec((await bench.deps.sdk()).lockfile ?? "")?.[0]);
  expect(built.stats.fresh).toBeGreaterThan(20);

  // The next edit finds them again, and nothing but itself to compile.
  const tree = await uploadFiles(bench.sources, { ...code, "src/lib.rs": handler("2") });
  const edited = await bench.build(tree, { config, app });
  expect(phasesOf(edited)).toEqual(["compile", "collect"]);
  expect(edited.stats).toMatchObject({ compiled: 1 });
  expect(await lockOf(bench, edited.artifact.digest)).toBe(lock);
}

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { applyOverlay } from "../../../src/build/function/apply-overlay.js";
import { parseDependencies } from "../../../src/build/function/parse-dependency.js";
import { planOverlay, type OverlayPlan } from "../../../src/build/function/plan-overlay.js";
import { planStandIn } from "../../../src/build/function/plan-stand-in.js";
import { receiveCode } from "../../../src/build/function/receive-code.js";
import { laySource } from "../../../src/build/lay-source.js";
import { openSourceStore } from "../../../src/build/source-store.js";
import { makeTar, makeTempDir, readTree } from "../helpers.js";
import { makeLockfile } from "../templates/registry.js";
import { makeZip } from "./make-zip.js";
import { stubSdk, writeFiles } from "./stub-sdk.js";

/** What the platform brings with its SDK: the versions of a function that needs nothing else. */
const lockfile = makeLockfile({
  ...Object.fromEntries(Object.entries(stubSdk).map(([path, text]) => [`sdk/${path}`, text])),
  ...Object.fromEntries(planStandIn({ path: "sdk/ignite", version: "0.1.0" })),
});

/** Everything but the functions themselves is compiled once. */
const target = mkdtempSync(join(tmpdir(), "bloomery-function-"));
afterAll(() => rmSync(target, { recursive: true }));

interface Laid {
  readonly plan: OverlayPlan;
  readonly dir: string;
  /** The code as it was sent. */
  readonly sent: readonly string[];
}

/** From bytes to a folder that cargo can build. */
async function lay(bytes: Buffer, dependencies: readonly string[] = []): Promise<Laid> {
  const dir = await makeTempDir();
  await writeFiles(join(dir, "sdk"), stubSdk);
  const store = await openSourceStore(join(dir, "sources"));
  const code = await receiveCode(store, { kind: "bytes", bytes }, { app: "hello" });
  const sources = await store.openTree(code.tree);
  const sdk = { path: join(dir, "sdk/ignite"), version: "0.1.0", lockfile };
  const plan = planOverlay({ sources, sdk, dependencies: parseDependencies(dependencies) });
  const overlaid = await applyOverlay(store, code.tree, plan);
  const workDir = join(dir, "app");
  const tree = await store.openTree(overlaid.tree);
  await laySource({ tree, workDir, recordFile: join(dir, "tree.json"), user: null });
  return { plan, dir: workDir, sent: (await store.openTree(code.tree)).list() };
}

function cargo(dir: string, ...args: readonly string[]): void {
  const env = { ...process.env, CARGO_TARGET_DIR: target, CARGO_TERM_COLOR: "never" };
  execFileSync("cargo", args, { cwd: dir, env, stdio: ["ignore", "ignore", "pipe"], timeout: 280_000 });
}

/** Builds as a deployment would, and says what the program prints. */
function buildAndRun({ plan, dir }: Laid): string {
  if (!plan.isLockComplete) cargo(dir, "fetch");
  const { package: name, bin } = plan;
  cargo(dir, "build", "--release", `--package=${name}`, `--bin=${bin}`, "--locked", "--offline");
  return execFileSync(join(target, "release", bin), { encoding: "utf8" }).trim();
}

const handler = (body: string): string =>
  `#[ignite::main]\nfn handler() -> serde_json::Value {\n${body}\n}\n`;

describe.skipIf(lockfile === null)("a function's code", { timeout: 300_000 }, () => {
  it("as a zip with a library becomes a program, with nothing in its Cargo.toml", async () => {
    const manifest = '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n';
    const body = "#[derive(serde::Serialize)] struct Answer { n: u8 }\n serde_json::json!(Answer { n: 7 })";
    const laid = await lay(
      makeZip([
        { path: "hello/Cargo.toml", body: manifest },
        { path: "hello/src/lib.rs", body: `#![deny(warnings)]\n${handler(body)}` },
      ]),
    );
    cargo(laid.dir, "fetch", "--locked");
    expect(laid.plan.isLockComplete).toBe(true);
    expect(buildAndRun(laid)).toBe('{"n":7}');
    expect(laid.sent).toEqual(["Cargo.toml", "src/lib.rs"]);
    expect(Object.keys(await readTree(laid.dir))).toEqual([
      ".ignite/main.rs",
      "Cargo.lock",
      "Cargo.toml",
      "src/lib.rs",
    ]);
    const program = readFileSync(join(target, "release/hello"));
    expect(program.includes(".symtab")).toBe(false);
  });

  it("as a tar.gz with a program is built as it is, and survives a panic that it wanted to abort", async () => {
    const manifest = `[package]\nname = "bye"\nversion = "0.1.0"\nedition = "2021"\n[profile.release]\npanic = "abort"\n[dependencies]\nignite = "*"\n`;
    const laid = await lay(
      gzipSync(
        makeTar([
          { path: "./Cargo.toml", body: manifest },
          {
            path: "./src/main.rs",
            body: handler('if std::env::args().count() > 0 { panic!("no") }\n serde_json::json!(1)'),
          },
        ]),
      ),
    );
    expect(laid.plan).toMatchObject({ isLockComplete: true, bin: "bye", handler: { form: "bin" } });
    expect(buildAndRun(laid)).toBe("panicked");
  });

  it("as one file gets the crates that are asked for beside it", async () => {
    const file = handler("serde_json::json!(itoa::Buffer::new().format(42u8))");
    const laid = await lay(Buffer.from(file), ["itoa@1"]);
    expect(laid.plan.isLockComplete).toBe(false);
    expect(buildAndRun(laid)).toBe('"42"');
  });

  it("keeps the versions of its own lockfile, and takes the platform's for the rest", async () => {
    const own = await makeTempDir();
    const manifest =
      '[package]\nname = "own"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nitoa = "1"\n';
    await writeFiles(own, { "Cargo.toml": manifest, "src/lib.rs": "" });
    cargo(own, "generate-lockfile");
    cargo(own, "update", "itoa", "--precise", "1.0.10");
    const laid = await lay(
      makeZip([
        { path: "Cargo.toml", body: manifest },
        { path: "Cargo.lock", body: readFileSync(join(own, "Cargo.lock")) },
        { path: "src/lib.rs", body: handler('serde_json::json!("kept")') },
      ]),
    );
    cargo(laid.dir, "fetch");
    const versions = (text: string) =>
      new Map(
        [...text.matchAll(/name = "(.+)"\nversion = "(.+)"/g)].map(([, name, version]) => [name, version]),
      );
    const made = versions(readFileSync(join(laid.dir, "Cargo.lock"), "utf8"));
    const platform = versions(lockfile ?? "");
    expect(made.get("itoa")).toBe("1.0.10");
    for (const name of ["tokio", "serde", "serde_json", "syn"])
      expect(made.get(name)).toBe(platform.get(name));
  });
});

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { BloomError } from "@bloomery/contract";
import { findFunction } from "../../../src/api/ignite/find-function.js";
import { findCompiledDraft } from "../../../src/deploy/function/invocations.js";
import { codeOf, createGate, openIgnite } from "./harness.js";

const run = promisify(execFile);
const hello = "/app/org/hello";

/** The API with an app. */
async function openHello() {
  const opened = await openIgnite();
  await opened.call("POST", "/app/org", { name: "hello" });
  return opened;
}

/** A tar.gz of these files, as `tar` makes it. */
async function pack(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const folder = await makeFolder();
  await mkdir(join(folder, "code"));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, "code", path)), { recursive: true });
    await writeFile(join(folder, "code", path), text);
  }
  await run("tar", ["-czf", join(folder, "code.tar.gz"), "-C", join(folder, "code"), "."]);
  return readFile(join(folder, "code.tar.gz"));
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bloom-code-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

const manifest = '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n';

test("what is to be tried has to be there, and compiled as it is now", async () => {
  const { call, store, compile } = await openHello();
  const place = await findFunction(store, { org: "org", app: "hello" });
  const find = () => findCompiledDraft(store, place);
  await expect(find()).rejects.toMatchObject({ code: "ERR_NOT_FOUND", message: "org:hello has no draft" });
  await call("POST", `${hello}/draft`, codeOf("// one"));
  await expect(find()).rejects.toMatchObject({ code: "ERR_DRAFT_NOT_COMPILED" });
  await compile(hello);
  expect(await find()).toMatchObject({ artifact: expect.stringMatching(/^artifact-/) as string });
  await call("POST", `${hello}/draft`, codeOf("// two"));
  await expect(find()).rejects.toMatchObject({ code: "ERR_DRAFT_NOT_COMPILED" });
});

describe("compiling", () => {
  test("answers at once, and whoever asks meanwhile gets the same compile and its log so far", async () => {
    const { call, gates } = await openHello();
    await call("POST", `${hello}/draft`, codeOf("// one"));
    const [opened, open] = createGate();
    const [reached, reach] = createGate();
    gates.build = () => (reach(), opened);
    const first = await call("POST", `${hello}/draft/compile`);
    expect(first.body).toMatchObject({ draft: { status: "DRAFT_STATUS_COMPILING" } });
    await reached;
    const second = await call("POST", `${hello}/draft/compile`);
    expect(second.body["deployId"]).toBe(first.body["deployId"]);
    expect((await call("POST", `${hello}/draft/publish`)).body).toMatchObject({
      error: { code: "ERR_DRAFT_NOT_COMPILED", message: "the draft of org:hello is being compiled" },
    });
    const path = `/compile/${String(first.body["deployId"])}/logs`;
    const logOf = async (build: unknown) => (await call("GET", `${hello}/builds/${String(build)}/log`)).body;
    const buildId = first.body["deployId"];
    expect(await logOf(buildId)).toEqual({
      ...{ buildId, status: "DRAFT_STATUS_COMPILING" },
      log: "bloom.toml:1:1: a remark\nCompiling hello v0.1.0",
    });
    const followed = call("GET", path);
    open();
    const texts = ["bloom.toml:1:1: a remark", "Compiling hello v0.1.0", "Finished", "compiled"];
    expect((await followed).body).toMatchObject({ lines: texts.map((text) => ({ text })) });
    // Afterwards it comes from the build's own log file.
    expect(await logOf(buildId)).toEqual({
      ...{ buildId, status: "DRAFT_STATUS_COMPILED" },
      log: "Compiling hello v0.1.0\nFinished",
    });
    expect(await logOf("bld-222222222222")).toMatchObject({ error: { code: "ERR_NOT_FOUND" } });
    expect((await call("GET", path)).body).toMatchObject({
      lines: [
        { text: "Compiling hello v0.1.0", timestampMs: expect.stringMatching(/^\d{13}$/) as string },
        { text: "Finished" },
        { text: "compiled", status: "DRAFT_STATUS_COMPILED" },
      ],
    });
  });

  test("the same code again is compiled in no time and says so", async () => {
    const { call, compile } = await openHello();
    await call("POST", `${hello}/draft`, codeOf("// one"));
    await compile(hello);
    const texts = async () => (await compile(hello)).map(({ text }) => text);
    expect(await texts()).toContain("Nothing has changed: what was compiled before is used.");
    const { body } = await call("GET", `${hello}/draft`);
    const id = (body["draft"] as { deployId: string }).deployId;
    expect((await call("GET", `/compile/${id}/logs`)).body).toMatchObject({
      lines: [{ text: "Nothing has changed: what was compiled before is used." }, { text: "compiled" }],
    });
  });

  test("code that is saved meanwhile ends it, and is nobody else's result", async () => {
    const { call, gates, compile } = await openHello();
    await call("POST", `${hello}/draft`, codeOf("// one"));
    const [reached, reach] = createGate();
    gates.build = () => (reach(), new Promise(() => undefined));
    const { body } = await call("POST", `${hello}/draft/compile`);
    await reached;
    const followed = call("GET", `/compile/${String(body["deployId"])}/logs`);
    const saved = await call("POST", `${hello}/draft`, codeOf("// two"));
    expect(saved.body["draft"]).toMatchObject({ status: "DRAFT_STATUS_SAVED" });
    const { lines } = (await followed).body as { lines: object[] };
    expect(lines.at(-1)).toMatchObject({
      status: "DRAFT_STATUS_FAILED",
      text: "the compile was ended: other code was saved",
    });
    const draft = (await call("GET", `${hello}/draft`)).body["draft"];
    expect(draft).toMatchObject({ status: "DRAFT_STATUS_SAVED" });
    expect(draft).not.toHaveProperty("error");
    gates.build = async () => undefined;
    expect((await compile(hello)).at(-1)).toMatchObject({ status: "DRAFT_STATUS_COMPILED" });
  });

  test("a mistake is told in the log, in the draft and by publish", async () => {
    const { call, gates, compile, store } = await openHello();
    await call("POST", `${hello}/draft`, codeOf("// one"));
    gates.build = async () => {
      throw new BloomError("ERR_BUILD_FAILED", "cargo ended with 101");
    };
    expect((await compile(hello)).at(-1)).toMatchObject({
      status: "DRAFT_STATUS_FAILED",
      text: "cargo ended with 101",
    });
    expect((await call("GET", `${hello}/draft`)).body["draft"]).toMatchObject({
      status: "DRAFT_STATUS_FAILED",
      error: "cargo ended with 101",
    });
    expect((await call("POST", `${hello}/draft/publish`)).body).toMatchObject({
      error: { message: "the draft of org:hello could not be compiled: cargo ended with 101" },
    });
    const [activity] = await store.activities.list({ limit: 1 });
    expect(activity).toMatchObject({ type: "draft.compile", state: "failed", actor: "ada" });
  });

  test("a manifest with mistakes fails before anything is built", async () => {
    const { call, compile, built } = await openHello();
    const code = await pack({ "Cargo.toml": manifest, "src/lib.rs": "", "bloom.toml": "wrong" });
    await call("POST", `${hello}/draft`, codeOf(code));
    expect((await compile(hello)).at(-1)).toMatchObject({
      status: "DRAFT_STATUS_FAILED",
      text: "bloom.toml:1:1: wrong",
    });
    expect(built).toEqual([]);
  });

  test("nothing is compiled without a draft", async () => {
    const { call } = await openHello();
    expect(await call("POST", `${hello}/draft/compile`)).toMatchObject({
      status: 404,
      body: { error: { code: "ERR_NOT_FOUND", message: "org:hello has no draft" } },
    });
  });
});

test("a toolchain that is named for the app asks for another compile before publish", async () => {
  const { call, compile } = await openHello();
  await call("POST", `${hello}/draft`, codeOf("// one"));
  await compile(hello);
  await call("PATCH", `${hello}/config`, { runtime: { rust: { toolchainVersion: "1.82" } } });
  expect((await call("POST", `${hello}/draft/publish`)).body).toMatchObject({
    error: { code: "ERR_DRAFT_NOT_COMPILED" },
  });
  await compile(hello);
  expect((await call("POST", `${hello}/draft/publish`)).body).toMatchObject({ version: 1 });
});

test("the code of a version and of the draft comes back as it was sent", async () => {
  const { call, compile } = await openHello();
  const long = `${"deep/".repeat(25)}Ünïcode.rs`;
  const files = { "Cargo.toml": manifest, "src/lib.rs": "// one", [long]: "// far away", empty: "" };
  await call("POST", `${hello}/draft`, codeOf(await pack(files)));
  expect((await call("GET", `${hello}/code`)).body).toMatchObject({
    version: 0,
    fileName: "hello-draft.tar.gz",
  });
  await compile(hello);
  await call("POST", `${hello}/draft/publish`);
  await call("POST", `${hello}/draft`, codeOf("// later"));

  const back = await call("GET", `${hello}/code/versions/1`);
  expect(back.body).toMatchObject({ version: 1, fileName: "hello-v1.tar.gz" });
  expect((await call("GET", `${hello}/code`)).body).toEqual(back.body);
  const folder = await makeFolder();
  await writeFile(join(folder, "code.tar.gz"), Buffer.from(String(back.body["sourceCode"]), "base64"));
  await run("tar", ["-xzf", "code.tar.gz"], { cwd: folder });
  for (const [path, text] of Object.entries(files)) {
    expect(await readFile(join(folder, path), "utf8")).toBe(text);
  }
  // And is taken as a draft again: the same code has the same name.
  const { body } = await call("GET", `${hello}/versions`);
  const again = await call("POST", `${hello}/draft`, {
    code: { compile: { sourceCode: back.body["sourceCode"] } },
  });
  expect((again.body["draft"] as { codeHash: string }).codeHash).toBe(
    (body["versions"] as { codeHash: string }[])[0]?.codeHash,
  );
  expect((await call("GET", `${hello}/code/versions/9`)).status).toBe(404);
  expect((await call("GET", `${hello}/code?version=9`)).status).toBe(404);
});

describe("code that is refused leaves the draft as it was", () => {
  const cases: readonly (readonly [string, () => Promise<object> | object, number, string])[] = [
    ["no code", () => codeOf(""), 400, "ERR_INVALID_ARGUMENT"],
    ["an archive of nothing", async () => codeOf(await pack({})), 400, "ERR_INVALID_ARGUMENT"],
    ["an archive that has no entry", () => codeOf(gzipSync(Buffer.alloc(1024))), 400, "ERR_INVALID_ARGUMENT"],
    [
      "an archive without Cargo.toml",
      async () => codeOf(await pack({ "src/lib.rs": "" })),
      422,
      "ERR_MANIFEST_INVALID",
    ],
    [
      "an archive that is cut off",
      async () => codeOf((await pack({ "Cargo.toml": manifest })).subarray(0, 40)),
      409,
      "ERR_SOURCE_INCOMPLETE",
    ],
    [
      "a bomb",
      async () => codeOf(await pack({ "Cargo.toml": manifest, zeros: "0".repeat(40_000_000) })),
      413,
      "ERR_SOURCE_TOO_LARGE",
    ],
    ["a program", () => codeOf(Buffer.from("7f454c4602010100", "hex")), 400, "ERR_INVALID_ARGUMENT"],
    ["a file that is no code", () => codeOf("hello", { fileName: "notes.txt" }), 400, "ERR_INVALID_ARGUMENT"],
    [
      "text that is not base64",
      () => ({ code: { compile: { sourceCode: "%%%" } } }),
      400,
      "ERR_INVALID_ARGUMENT",
    ],
    ["a wrong dependency", () => codeOf("// a", { dependencies: ["no good"] }), 400, "ERR_INVALID_ARGUMENT"],
    ["a schema that is none", () => ({ ...codeOf("// a"), inputSchema: "[]" }), 400, "ERR_SCHEMA_INVALID"],
    [
      "WebAssembly",
      () => codeOf("// a", { runtime: { rust: { target: "RUST_COMPILATION_TARGET_WASM" } } }),
      422,
      "ERR_SHAPE_UNSUPPORTED",
    ],
  ];
  test.each(cases)("%s", async (_, payload, status, code) => {
    const { call } = await openHello();
    const before = await call("POST", `${hello}/draft`, codeOf("// good"));
    expect(await call("POST", `${hello}/draft`, await payload())).toMatchObject({
      status,
      body: { error: { code } },
    });
    expect((await call("GET", `${hello}/draft`)).body).toEqual(before.body);
  });
});

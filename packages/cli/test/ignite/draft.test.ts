import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { useFakeDaemon } from "../daemon-per-file.js";
import { readTar } from "../read-tar.js";
import { app, compiled, deployId, draft, frames, logLine } from "./documents.js";

const { daemon, ask } = useFakeDaemon();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-draft-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(path: string, text = ""): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

/** What the last saved draft was made of. */
function sent(): { sourceCode: string; fileName: string; dependencies: string[]; runtime?: unknown } {
  const body = daemon().calls.at(-1)?.body as { code: { compile: ReturnType<typeof sent> } };
  return body.code.compile;
}

describe("draft save", () => {
  beforeEach(() => {
    daemon().answers.igniteSaveDraft = { body: { draft } };
  });

  test("packs a folder without what is no source", async () => {
    for (const path of ["Cargo.toml", "src/main.rs", "src/target/mod.rs", "@odd", ".gitignore"])
      await write(path);
    await write(".gitignore", "*.log\n");
    for (const path of ["a.log", ".git/HEAD", "node_modules/x.js", "__pycache__/x", "target/x", ".venv/x"])
      await write(path);
    await symlink("main.rs", join(folder, "src/link.rs"));
    const { code, stdout } = await ask(["ignite", "draft", "save", "org:hello", "--code", "./"], {}, folder);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^status +saved\ncode +0123abcd\n/)]);
    const { sourceCode, fileName, dependencies } = sent();
    expect([fileName, dependencies]).toEqual(["source.tar.gz", []]);
    const entries = await readTar(gunzipSync(Buffer.from(sourceCode, "base64")));
    const names = Object.keys(entries)
      .map((name) => name.replace(/^\.\//, ""))
      .sort();
    expect(names).toEqual([
      ".gitignore",
      "@odd",
      "Cargo.toml",
      "src/link.rs",
      "src/main.rs",
      "src/target/mod.rs",
    ]);
  });

  test("the same folder is the same bytes", async () => {
    await write("Cargo.toml", "[package]");
    await ask(["draft", "save", "hello", "-c", "."], {}, folder);
    const first = sent().sourceCode;
    await write("Cargo.toml", "[package]");
    await ask(["draft", "save", "hello", "-c", "."], {}, folder);
    expect(sent().sourceCode).toBe(first);
  });

  test.each([["main.rs"], ["code.zip"], ["code.tar.gz"], ["code.tgz"]])("sends %s as it is", async (name) => {
    await write(name, "what it is");
    const flags = ["-d", "uuid@1+v4", "-d", "rand", "--toolchain", "1.93", "--input-schema", "{}"];
    expect((await ask(["draft", "save", "hello", "-c", name, ...flags], {}, folder)).code).toBe(0);
    expect(sent()).toEqual({
      sourceCode: Buffer.from("what it is").toString("base64"),
      fileName: name,
      dependencies: ["uuid@1+v4", "rand"],
      runtime: { rust: { target: "RUST_COMPILATION_TARGET_NATIVE", toolchainVersion: "1.93" } },
    });
    expect(daemon().calls.at(-1)?.body).toMatchObject({ inputSchema: "{}" });
  });

  test.each([
    [[], "--code is missing"],
    [["-c", "nowhere"], "does not exist"],
    [["-c", "handler.py"], "one .rs file, a .zip or a .tar.gz"],
    [["-c", "empty"], "there is nothing in"],
    [["-c", "."], "has no Cargo.toml"],
    [["-c", ".", "--runtime", "deno"], "functions run in Rust"],
    [["-c", ".", "--image-ref", "x:1"], "images are neither built nor run"],
    [["--git-url", "https://example.com/x.git"], "not fetched from repositories"],
    [["-c", ".", "--build-arg", "A=1"], "--build-arg"],
  ])("%j is refused with exit code 2", async (args, words) => {
    await write("handler.py");
    await mkdir(join(folder, "empty"));
    const { code, stderr } = await ask(["ignite", "draft", "save", "org:hello", ...args], {}, folder);
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
    expect(daemon().calls).toEqual([]);
  });
});

describe("draft info", () => {
  test.each([["info"], ["status"]])("%s says that there is none", async (verb) => {
    const none = { ...draft, status: "DRAFT_STATUS_NONE", codeHash: "" };
    daemon().answers.igniteGetDraft = { body: { draft: none } };
    expect((await ask(["ignite", "draft", verb, "org:hello"])).stdout).toBe("status  no draft\n");
    expect(JSON.parse((await ask(["draft", verb, "org:hello", "--json"])).stdout)).toEqual(none);
  });

  test("tells why it does not compile", async () => {
    const failed = { ...draft, status: "DRAFT_STATUS_FAILED", deployId, error: "no handler" };
    daemon().answers.igniteGetDraft = { body: { draft: failed } };
    const { stdout } = await ask(["draft", "info", "org:hello"]);
    expect(stdout).toMatch(/status +failed/);
    expect(stdout).toMatch(/error +no handler/);
  });
});

describe("draft compile", () => {
  beforeEach(() => {
    daemon().answers.igniteCompileDraft = { body: { deployId, draft: { ...draft, deployId } } };
  });

  test("shows the log on standard error and the outcome on standard output", async () => {
    daemon().answers.igniteCompileLogs = {
      lines: [logLine("Compiling"), logLine("", "DRAFT_STATUS_COMPILED")],
    };
    daemon().answers.igniteGetDraft = { body: { draft: compiled } };
    const { code, stdout, stderr } = await ask(["ignite", "draft", "compile", "org:hello", "--follow"]);
    expect([code, stderr]).toEqual([0, "Compiling\n"]);
    expect(stdout).toBe(`org:hello: compiled, ${deployId}\n  ${compiled.added?.[0]}\n`);
    const json = await ask(["draft", "compile", "org:hello", "--json"]);
    expect(JSON.parse(json.stdout)).toEqual({ deployId, draft: compiled });
  });

  test("one that fails is exit code 11", async () => {
    daemon().answers.igniteCompileLogs = {
      lines: [logLine("error[E0425]"), logLine("there is no handler", "DRAFT_STATUS_FAILED")],
    };
    const { code, stdout, stderr } = await ask(["draft", "compile", "org:hello"]);
    expect([code, stdout]).toEqual([11, ""]);
    expect(stderr).toContain("error[E0425]");
    expect(stderr).toContain(`the compile ${deployId} failed: there is no handler`);
    expect(stderr.split("there is no handler")).toHaveLength(2);
  });

  test("--no-follow answers at once", async () => {
    const { code, stdout } = await ask(["draft", "compile", "org:hello", "--no-follow"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining(deployId)]);
    expect(daemon().count("igniteCompileLogs")).toBe(0);
  });

  test.each([["break"], ["end"]] as const)(
    "a log that stops before the compile (%s) is exit code 9",
    async (after) => {
      daemon().answers.igniteCompileLogs = { lines: [logLine("Compiling")], after };
      const { code, stderr } = await ask(["draft", "compile", "org:hello"]);
      expect([code, stderr]).toEqual([9, expect.stringContaining(`draft compile-logs ${deployId}`)]);
    },
  );

  test("a draft without code is what the daemon says", async () => {
    daemon().answers.igniteCompileDraft = {
      status: 409,
      body: { error: { code: "ERR_NOTHING_DEPLOYED", message: "the draft is empty", hint: "Save one." } },
    };
    const { code, stderr } = await ask(["draft", "compile", "org:hello"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("next: Save one.")]);
  });
});

describe("draft compile-logs", () => {
  const lines = [logLine("Compiling"), logLine("", "DRAFT_STATUS_COMPILED")];

  test("an id with a slip in it is no function's name", async () => {
    daemon().answers.igniteCompileLogs = { lines };
    await ask(["draft", "compile-logs", "bld-aaaaaaaaaaaa"]);
    expect(daemon().calls).toMatchObject([{ params: { deploy: "bld-aaaaaaaaaaaa" } }]);
  });

  test("by deploy id, one object a line with --json", async () => {
    daemon().answers.igniteCompileLogs = { lines };
    expect((await ask(["ignite", "draft", "compile-logs", deployId])).stdout).toBe("Compiling\n");
    const { stdout } = await ask(["draft", "compile-logs", deployId, "--json"]);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(lines);
    expect(daemon().calls.map(({ params }) => params["deploy"])).toEqual([deployId, deployId]);
  });

  test("by function: the last compile of its draft, if there was one", async () => {
    daemon().answers.igniteCompileLogs = { lines };
    daemon().answers.igniteGetDraft = [{ body: { draft: compiled } }, { body: { draft } }];
    expect((await ask(["draft", "compile-logs", "org:hello"])).code).toBe(0);
    const { code, stderr } = await ask(["draft", "compile-logs", "org:hello"]);
    expect([code, stderr]).toEqual([5, expect.stringContaining("has not been compiled")]);
  });
});

describe("draft test, publish and code", () => {
  test("test runs the draft with a payload", async () => {
    daemon().answers.igniteTestDraft = { lines: frames(200, ["ok"]) };
    expect((await ask(["ignite", "draft", "test", "org:hello", "--payload", "{}"])).stdout).toBe("ok");
    expect((await ask(["draft", "test", "org:hello", "-p", "{"])).code).toBe(2);
  });

  test("publish prints version and address", async () => {
    daemon().answers.ignitePublishDraft = { body: { version: 3, url: app.url } };
    const { stdout } = await ask(["ignite", "draft", "publish", "org:hello", "--json"]);
    expect(JSON.parse(stdout)).toEqual({ version: 3, url: app.url });
  });

  test("code comes back as it was given, into a file that is not there yet", async () => {
    const sourceCode = Buffer.from([0, 255, 10]).toString("base64");
    daemon().answers.igniteGetAppCode = { body: { fileName: "code.tar.gz", version: 0, sourceCode } };
    const argv = ["ignite", "draft", "code", "org:hello", "--to", "out.zip"];
    expect((await ask(argv, {}, folder)).code).toBe(0);
    expect([...(await readFile(join(folder, "out.zip")))]).toEqual([0, 255, 10]);
    expect(daemon().calls[0]).toMatchObject({
      params: { org: "org", app: "hello" },
      query: { version: "0" },
    });
    expect((await ask(argv, {}, folder)).code).toBe(6);
    expect((await ask([...argv, "--force"], {}, folder)).code).toBe(0);
    expect((await ask(["draft", "code", "org:hello", "--to", "no/such/folder"], {}, folder)).code).toBe(2);
  });

  test("code is not printed on a terminal", async () => {
    const { code, stderr } = await ask(["draft", "code", "org:hello"], {}, folder, {
      terminal: { isTTY: true },
    });
    expect([code, stderr]).toEqual([2, expect.stringContaining("--to")]);
    expect(daemon().calls).toEqual([]);
  });
});

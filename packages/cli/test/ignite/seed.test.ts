import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { useFakeDaemon } from "../daemon-per-file.js";
import { app, compiled, created, deployId, draft, frames, logLine, notFound } from "./documents.js";

const { daemon, ask } = useFakeDaemon();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-seed-"));
  await writeFile(join(folder, "Cargo.toml"), "[package]\n");
});
afterEach(() => rm(folder, { recursive: true }));

const commands = [
  ["ignite", "app", "create", "hello", "--runtime", "rust", "--rust-target", "native"],
  ["ignite", "draft", "save", "org:hello", "--code", "./"],
  ["ignite", "draft", "compile", "org:hello"],
  ["ignite", "draft", "publish", "org:hello"],
  ["ignite", "invoke", "org:hello", "-p", '{"message": "hi there"}'],
];

/** Walks through the five commands and returns what they printed. */
async function walk(env: NodeJS.ProcessEnv): Promise<string[]> {
  daemon().answers.igniteCreateApp = { body: created };
  daemon().answers.igniteSaveDraft = { body: { draft } };
  daemon().answers.igniteCompileDraft = { body: { deployId, draft: { ...draft, deployId } } };
  daemon().answers.igniteCompileLogs = {
    lines: [logLine("   Compiling hello"), logLine("", "DRAFT_STATUS_COMPILED")],
  };
  daemon().answers.igniteGetDraft = { body: { draft: compiled } };
  daemon().answers.ignitePublishDraft = { body: { version: 1, url: app.url } };
  daemon().answers.igniteInvoke = { lines: frames(200, ['{"message":', '"hi there"}']) };
  const printed: string[] = [];
  for (const command of commands) {
    const { code, stdout, stderr } = await ask(command, env, folder);
    expect([command.slice(0, 3), code, stderr]).toEqual([command.slice(0, 3), 0, stderr]);
    printed.push(stdout);
  }
  return printed;
}

describe("the five commands, as written", () => {
  test.each([
    ["the organization's name in the environment", { IGNITE_ORG_NAME: "org" }],
    ["its id in the environment", { IGNITE_ORG_ID: "org" }],
  ])("work with %s", async (_what, env) => {
    const printed = await walk(env);
    expect(printed.at(-1)).toBe('{"message":"hi there"}');
    expect(printed.at(-2)).toContain("version 1 of org:hello is active at http://hello-org");
    expect(daemon().calls[0]).toMatchObject({
      route: "igniteCreateApp",
      params: { org: "org" },
      body: { name: "hello", runtime: { rust: { target: "RUST_COMPILATION_TARGET_NATIVE" } } },
    });
    expect(daemon().calls.at(-1)).toMatchObject({
      route: "igniteInvoke",
      params: { org: "org", app: "hello" },
      body: { payload: Buffer.from('{"message": "hi there"}').toString("base64") },
    });
  });

  test("work after `config set org_id org`", async () => {
    const env = { DODIL_CONFIG_DIR: join(folder, "config") };
    expect((await ask(["ignite", "config", "set", "org_id", "org"], env)).code).toBe(0);
    await walk(env);
    expect(daemon().calls[0]?.params).toEqual({ org: "org" });
  });

  test("without any of it the app is made in the standard organization, and the next command says so", async () => {
    daemon().answers.igniteCreateApp = { body: { ...created, appId: "local/hello" } };
    expect((await ask(commands[0] ?? [], {}, folder)).stdout).toContain("local:hello is made");
    daemon().answers.igniteSaveDraft = notFound("there is no app org:hello");
    daemon().answers.igniteGetApp = ({ params }) =>
      params["org"] === "local" ? { body: { ...app, id: "local/hello" } } : notFound("no such app");
    const { code, stderr } = await ask(commands[1] ?? [], {}, folder);
    expect(code).toBe(5);
    expect(stderr).toContain("there is no app org:hello");
    expect(stderr).toContain("There is local:hello");
    expect(stderr).toContain("dodil ignite config set org_id org");
  });

  test("no such hint when the function is there and something else of it is missing", async () => {
    daemon().answers.ignitePublishDraft = notFound("the draft has no code");
    daemon().answers.igniteGetApp = { body: app };
    const { code, stderr } = await ask(commands[3] ?? []);
    expect(code).toBe(5);
    expect(stderr).toContain("the draft has no code");
    expect(stderr).not.toContain("There is");
  });
});

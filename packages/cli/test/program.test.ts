import { Readable } from "node:stream";
import { parseAllDocuments } from "yaml";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { errorCatalog, type ErrorCode } from "@bloomery/contract";
import { commands } from "../src/commands/index.js";
import { renderCliReference } from "../src/docs.js";
import { runProgram } from "../src/program.js";
import { app, environment } from "./documents.js";
import { run, startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";

let daemon: FakeDaemon;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  daemon = await startFakeDaemon();
  env = { BLOOM_API: daemon.url, BLOOM_TOKEN: "secret" };
});
afterEach(() => {
  daemon.calls.length = 0;
  for (const key of Object.keys(daemon.answers)) delete daemon.answers[key as keyof typeof daemon.answers];
});
afterAll(() => daemon.close());

describe("every command", () => {
  test.each(commands.map((command) => [command.name, command] as const))(
    "%s has help with an example and takes the common flags",
    async (name, command) => {
      const help = await run([...name.split(" "), "--help"]);
      expect(help.code).toBe(0);
      expect(help.stdout).toContain(command.summary);
      expect(help.stdout).toContain(command.examples[0]);
      for (const flag of ["--json", "--yes", "--quiet", "--verbose", "--no-color"])
        expect(help.stdout).toContain(flag);
      expect(renderCliReference()).toContain(`### bloom ${name}`);
    },
  );
});

describe("usage", () => {
  test.each([
    [["depoly"], "Did you mean `deploy`?"],
    [["deploy", "--envronment", "x"], "Did you mean `--environment`?"],
    [["url"], "missing required argument"],
    [["env"], "bloom"],
    [["ignite", "app", "creat"], "Did you mean `ignite app create`?"],
    [["ignite", "fn", "creat"], "Did you mean `ignite app create`?"],
    [["ignite", "draft", "save", "x", "--cod", "."], "Did you mean `--code`?"],
    [["ignite", "draft"], "See `bloom ignite draft --help`."],
    [["ignite", "draft", "save"], "See `bloom ignite draft save --help`."],
    [["ingite"], "Did you mean `ignite`?"],
    [["scale", "shop", "web:2"], "ROLE=COUNT"],
    [["rollback", "shop", "latest"], "versions are numbers"],
    [["logs", "shop", "--since", "yesterday-ish"], "--since"],
    [["env", "set", "shop", "NOVALUE"], "NAME=value"],
    [["status", "No Good"], "not a valid name"],
    [["deploy", "/nonexistent"], "not a folder"],
  ])("%j is refused with exit code 2", async (argv, words) => {
    const { code, stderr } = await run(argv, env);
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
    expect(daemon.calls).toEqual([]);
  });

  test("--version prints the version", async () => {
    expect(await run(["--version"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
    });
  });

  test("without a verb the help is shown as an error", async () => {
    expect((await run([])).code).toBe(2);
  });
});

describe("answers", () => {
  test("--json prints the document and nothing else; otherwise a table", async () => {
    daemon.answers.listApps = { body: { apps: [app] } };
    const json = await run(["apps", "--json"], env);
    expect([json.code, JSON.parse(json.stdout), json.stderr]).toEqual([0, { apps: [app] }, ""]);
    const table = await run(["apps"], env);
    expect(table.stdout.split("\n")[1]).toMatch(/^shop +main +running +v3 +1\/1 +http:\/\/shop-local/);
    expect(daemon.calls[0]).toMatchObject({ route: "listApps", authorization: "Bearer secret" });
  });

  test("names go to the right places", async () => {
    daemon.answers.scaleEnvironment = { body: environment };
    await run(["scale", "acme:shop", "web=2", "-e", "staging"], env);
    expect(daemon.calls[0]).toMatchObject({
      route: "scaleEnvironment",
      params: { org: "acme", app: "shop", environment: "staging" },
      body: { replicas: { web: 2 } },
    });
    await run(["scale", "acme:shop", "web=default"], env);
    expect(daemon.calls[1]).toMatchObject({ body: { replicas: { web: null } } });
  });

  test.each([["ps"], ["activities"]])("%s of an app that is not there is exit code 5", async (verb) => {
    daemon.answers.listInstances = { body: { instances: [], troubles: [] } };
    daemon.answers.listActivities = { body: { activities: [] } };
    daemon.answers.getApp = {
      status: 404,
      body: { error: { code: "ERR_NOT_FOUND", message: "there is no app shop" } },
    };
    expect((await run([verb], env)).code).toBe(0);
    expect(await run([verb, "shop"], env)).toMatchObject({
      code: 5,
      stdout: "",
      stderr: expect.stringContaining("there is no app shop") as string,
    });
    daemon.answers.getApp = { body: app };
    expect((await run([verb, "shop"], env)).code).toBe(0);
  });

  test("an environment that is not there is exit code 5, and the others are named", async () => {
    daemon.answers.listInstances = { body: { instances: [], troubles: [] } };
    daemon.answers.getApp = { body: app };
    for (const verb of ["ps", "url"]) {
      expect(await run([verb, "shop", "-e", "nope"], env)).toMatchObject({
        code: 5,
        stderr: expect.stringContaining("next: It has main.") as string,
      });
    }
  });

  test("logs are one object a line", async () => {
    const line = {
      time: "2026-01-01T00:00:00.000001Z",
      type: "app",
      app: "shop",
      environment: "main",
      version: 1,
      instance: "i-1",
      role: "web",
      stream: "stdout",
      text: "hi",
      execution: null,
    };
    daemon.answers.readLogs = { lines: [line, { ...line, text: "ho", time: "2026-01-01T00:00:00.000002Z" }] };
    const { stdout } = await run(["logs", "shop", "--json", "-n", "2"], env);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((text) => (JSON.parse(text) as { text: string }).text),
    ).toEqual(["hi", "ho"]);
    expect(daemon.calls[0]?.query).toMatchObject({ tail: "2", follow: "false" });
    expect((await run(["logs", "shop"], env)).stdout).toContain("00:00:00.000 v1 i-1 | hi");
  });
});

describe("forms of output", () => {
  test("YAML documents of a stream stand apart", async () => {
    daemon.answers.igniteAppLogs = {
      body: { lines: ["a", "b"].map((text) => ({ timestampMs: "0", replicaId: "i-1", text })) },
    };
    const { stdout } = await run(["app", "logs", "hello", "-o", "yaml"], env);
    expect(parseAllDocuments(stdout).map((document) => (document.toJS() as { text: string }).text)).toEqual([
      "a",
      "b",
    ]);
  });

  test("--json comes before -o", async () => {
    daemon.answers.igniteGetDraft = {
      body: { draft: { status: "DRAFT_STATUS_NONE", codeHash: "", createdAtMs: "0" } },
    };
    const { stdout } = await run(["draft", "info", "hello", "-o", "yaml", "--json"], env);
    expect(JSON.parse(stdout)).toMatchObject({ status: "DRAFT_STATUS_NONE" });
  });

  test.each([
    [["--debug"], {}],
    [[], { IGNITE_DEBUG: "1" }],
  ])("%j %j prints more", async (flags, more) => {
    daemon.answers.igniteInvoke = {
      lines: [
        { head: { executionId: "x-1", version: 1, status: 200, headers: {} } },
        { trailer: { status: "EXECUTION_STATUS_SUCCEEDED", bytes: "0", durationMs: 1 } },
      ],
    };
    const { stderr } = await run(["ignite", "invoke", "hello", ...flags], { ...env, ...more });
    expect(stderr).toContain("execution x-1");
  });

  test.each(["999h", "1h30m", "90", "0"])("--timeout %s is no trouble", async (time) => {
    daemon.answers.igniteListApps = { body: { apps: [] } };
    expect((await run(["app", "list", "--timeout", time], env)).code).toBe(0);
  });

  test("the program says what it was called as", async () => {
    const stderr: string[] = [];
    const world = {
      ...{ name: "dodil", env: {}, cwd: "/", stdin: () => Readable.from([]) },
      ...{
        stdout: { write: () => true },
        stderr: { write: (text: string | Buffer) => stderr.push(String(text)) },
      },
    };
    expect(await runProgram(["ignite", "draft"], world)).toBe(2);
    expect(stderr.join("")).toContain("`dodil ignite draft --help`");
  });
});

describe("errors", () => {
  const codes = Object.keys(errorCatalog) as ErrorCode[];
  test.each(codes)("%s decides the exit code", async (code) => {
    const { status, exit, hint } = errorCatalog[code];
    daemon.answers.getStatus = { status, body: { error: { code, message: "what happened", hint } } };
    const text = await run(["server", "status"], env);
    expect(text.code).toBe(exit);
    expect(text.stderr).toContain("error: what happened");
    expect(text.stderr).toContain(`next: ${hint}`);
    expect(text.stderr).toContain(code);
    expect(text.stdout).toBe("");
    const json = await run(["server", "status", "--json"], env);
    expect(JSON.parse(json.stdout)).toEqual({ error: { code, message: "what happened", hint } });
  });

  test("no daemon: exit code 9", async () => {
    const gone = await startFakeDaemon();
    await gone.close();
    expect(await run(["apps"], { BLOOM_API: gone.url })).toMatchObject({
      code: 9,
      stderr: expect.stringContaining(gone.url) as string,
    });
  });

  test("an error in the middle of a stream is an error", async () => {
    daemon.answers.readLogs = { lines: [{ error: { code: "ERR_NOT_FOUND", message: "gone" } }] };
    expect((await run(["logs", "shop"], env)).code).toBe(5);
  });
});

describe("destructive verbs", () => {
  test.each([
    [["app", "delete", "shop"]],
    [["stop", "shop"]],
    [["token", "delete", "tok-1"]],
    [["org", "delete", "acme"]],
  ])("%j asks, and without a terminal needs --yes", async (argv) => {
    daemon.answers.getApp = { body: app };
    const refused = await run(argv, env);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("ERR_NEEDS_CONFIRMATION")]);
    expect(daemon.calls.every((call) => call.route === "getApp")).toBe(true);
    for (const route of ["deleteApp", "deleteToken", "deleteOrg"] as const)
      daemon.answers[route] = { body: { ok: true } };
    daemon.answers.stopEnvironment = { body: environment };
    expect((await run([...argv, "--yes"], env)).code).toBe(0);
  });

  test("--dry-run says what would go", async () => {
    daemon.answers.getApp = { body: app };
    const { code, stdout } = await run(["app", "delete", "shop", "--dry-run"], env);
    expect([code, stdout]).toEqual([0, "would delete shop with its environments: main\n"]);
  });
});

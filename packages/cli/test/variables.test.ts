import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { VariableView } from "@bloomery/contract";
import { deployment, failed, live, phase } from "./documents.js";
import { run, startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";

const plain: VariableView = {
  name: "LOG",
  value: "debug",
  sensitive: false,
  json: false,
  visibleBuild: true,
  visibleRuntime: true,
  level: "app",
  overridden: false,
  updatedAt: null,
};
const secret: VariableView = {
  ...plain,
  name: "shop:key",
  value: null,
  sensitive: true,
  json: true,
  visibleBuild: false,
  level: "environment",
};

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await startFakeDaemon();
  daemon.answers.listVariables = { body: { variables: [plain, secret] } };
  daemon.answers.changeVariables = { body: { variables: [plain], deployment: null } };
});
afterEach(() => daemon.close());

const bloom = (...argv: string[]): ReturnType<typeof run> => run(argv, { BLOOM_API: daemon.url });
const pipe = (text: string, ...argv: string[]): ReturnType<typeof run> =>
  run(argv, { BLOOM_API: daemon.url }, "/", { stdin: Readable.from([Buffer.from(text)]) });
const body = (): unknown => daemon.calls[0]?.body;

describe("lists", () => {
  test("show values, where they are from, who sees them, and never a secret", async () => {
    const { stdout } = await bloom("env", "list", "shop");
    expect(stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["NAME", "VALUE", "FROM", "VISIBLE IN BUILD", "AT RUNTIME", "KIND"],
      ["LOG", "debug", "app", "yes", "yes", "-"],
      ["shop:key", "(sensitive)", "environment", "no", "yes", "sensitive, json"],
      [""],
    ]);
    const secrets = await bloom("secret", "list", "shop", "--json");
    expect(JSON.parse(secrets.stdout)).toEqual({ secrets: [secret] });
  });

  test("say of a variable that another level hides", async () => {
    const hidden = { ...plain, value: "info", overridden: true };
    const over = { ...plain, level: "environment" };
    daemon.answers.listVariables = { body: { variables: [hidden, over] } };
    const rows = (await bloom("env", "list", "shop")).stdout.split("\n").map((line) => line.split(/ {2,}/));
    expect(rows[1]).toEqual(["LOG", "info", "app (overridden)", "yes", "yes", "-"]);
    expect(rows[2]).toEqual(["LOG", "debug", "environment", "yes", "yes", "-"]);
  });

  test("say of a value that the daemon cannot open why it is not there", async () => {
    daemon.answers.listVariables = { body: { variables: [{ ...plain, value: null }] } };
    expect((await bloom("env", "list", "shop")).stdout).toContain("(sealed with another key)");
  });

  test("--level shows one level", async () => {
    const { stdout } = await bloom("env", "list", "shop", "--level", "app", "--json");
    expect(JSON.parse(stdout)).toEqual({ variables: [plain] });
  });
});

describe("flags become the change", () => {
  const standard = { apply: true, level: "environment" };

  test.each([
    [["env", "set", "shop", "A=1", "shop:b=x=y"], { set: { A: "1", "shop:b": "x=y" }, sensitive: false }],
    [["env", "set", "shop", "A=1", "--level", "app"], { level: "app" }],
    [["env", "set", "shop", "A=[1]", "--as-json", "--sensitive"], { json: true, sensitive: true }],
    [["env", "set", "shop", "A=1", "--visible-build", "--no-apply"], { visibleBuild: true, apply: false }],
    [
      ["env", "set", "shop", "A=1", "--no-visible-build", "--no-visible-runtime"],
      { visibleBuild: false, visibleRuntime: false },
    ],
    [["env", "set", "shop", "A=1", "--visible-runtime"], { visibleRuntime: true }],
    [["env", "unset", "shop", "A", "env:B", "--level", "app"], { unset: ["A", "env:B"], level: "app" }],
    [["secret", "unset", "shop", "A"], { unset: ["A"] }],
  ])("%j", async (argv, more) => {
    expect((await bloom(...argv)).code).toBe(0);
    expect(body()).toMatchObject({ ...standard, ...more });
  });

  test("what is not said stays as it is", async () => {
    await bloom("env", "set", "shop", "A=1");
    expect(Object.keys(body() as object).sort()).toEqual(["apply", "level", "sensitive", "set"]);
  });
});

describe("a change", () => {
  test("is followed until it is in force", async () => {
    daemon.answers.changeVariables = { body: { variables: [plain], deployment } };
    daemon.answers.watchDeployment = { lines: [phase("start"), { type: "finished", deployment: live }] };
    const { code, stdout, stderr } = await bloom("env", "set", "shop", "A=1", "--visible-build");
    expect([code, stdout]).toEqual([0, "A: in force; the next deploy builds with it\n"]);
    expect(stderr).toContain("done: start");
    const end = failed("ERR_NOT_READY", "not ready");
    daemon.answers.watchDeployment = { lines: [{ type: "finished", deployment: end }] };
    expect((await bloom("env", "set", "shop", "A=1")).code).toBe(12);
  });

  test("is told of by the name it has in the app", async () => {
    expect((await bloom("env", "set", "shop", "env:log=debug")).stdout).toBe(
      "LOG: kept until the app runs\n",
    );
  });

  test("without a deployment says when it will be", async () => {
    expect((await bloom("env", "set", "shop", "A=1", "--no-apply")).stdout).toBe(
      "A: kept for the next deployment\n",
    );
  });

  test.each([
    [["A"], "A: removed\n"],
    [["LOG", "env:a"], "LOG: removed; the app's value holds now\nA: removed\n"],
    [["LOG", "--no-apply"], "LOG: removed from the next deployment on; the app's value then holds\n"],
  ])("that unsets %j says what holds instead", async (argv, words) => {
    const hidden = { ...plain, level: "manifest", overridden: true };
    daemon.answers.changeVariables = { body: { variables: [hidden, plain], deployment: null } };
    expect((await bloom("env", "unset", "shop", ...argv)).stdout).toBe(words);
  });
});

describe("secrets", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "bloom-secret-"));
    await writeFile(join(folder, "key.pem"), "line 1\nline 2\n");
  });
  afterEach(() => rm(folder, { recursive: true }));

  test("come from standard input, without the last line break", async () => {
    const { code, stdout, stderr } = await pipe("hunter2\n", "secret", "set", "shop", "KEY");
    expect(code).toBe(0);
    expect(body()).toMatchObject({ set: { KEY: "hunter2" }, sensitive: true });
    expect(stdout + stderr).not.toContain("hunter2");
  });

  test("or from a file", async () => {
    await bloom("secret", "set", "shop", "KEY", "--from", join(folder, "key.pem"), "--level", "app");
    expect(body()).toMatchObject({ set: { KEY: "line 1\nline 2" }, sensitive: true, level: "app" });
    await bloom("env", "set", "shop", "KEY", "--from", join(folder, "key.pem"));
    expect(daemon.calls[1]?.body).toMatchObject({ set: { KEY: "line 1\nline 2" }, sensitive: false });
  });

  test("never from the command line, and the message does not repeat them", async () => {
    const { code, stderr } = await bloom("secret", "set", "shop", "KEY=hunter2");
    expect([code, daemon.calls]).toEqual([2, []]);
    expect(stderr).toContain("--from FILE");
    expect(stderr).not.toContain("hunter2");
  });

  test("nothing piped in is an error, not an empty secret", async () => {
    const { code, stderr } = await pipe("", "secret", "set", "shop", "KEY");
    expect([code, stderr]).toEqual([2, expect.stringContaining("the value of KEY is empty")]);
    const terminal = Object.assign(Readable.from([]), { isTTY: true });
    const asked = await run(["secret", "set", "shop", "KEY"], { BLOOM_API: daemon.url }, "/", {
      stdin: terminal,
    });
    expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining("Pipe it in")]);
    expect(daemon.calls).toEqual([]);
  });
});

test.each([
  [
    ["env", "set", "shop", "A=1", "--level", "manifest"],
    "--level is `manifest`, but must be app or environment",
  ],
  [["env", "list", "shop", "--level", "ap"], "Did you mean `app`?"],
  [["env", "set", "shop", "A"], "must be NAME=value"],
  [["env", "set", "shop", "1A=x"], "`1A` is not a variable's name"],
  [["env", "unset", "shop", "A-B"], "prefix:name"],
  [["env", "set", "shop", "A={", "--as-json"], "the value of A is not JSON"],
  [["env", "set", "shop", "A=1", "--from", "-"], "exactly one NAME"],
  [["env", "set", "shop", "A", "B", "--from", "-"], "exactly one NAME"],
  [["secret", "set", "shop", "A", "--from", "/nonexistent"], "cannot be read"],
  [["secret", "set", "shop"], "missing required argument 'name'"],
])("%j is refused with exit code 2", async (argv, words) => {
  const { code, stderr } = await bloom(...argv);
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  expect(daemon.calls).toEqual([]);
});

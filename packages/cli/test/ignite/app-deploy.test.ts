import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { useFakeDaemon } from "../daemon-per-file.js";
import { app, compiled, created, deployId, draft, logLine, notFound } from "./documents.js";

const { daemon, ask } = useFakeDaemon();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-app-deploy-"));
  await writeFile(join(folder, "Cargo.toml"), "[package]");
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  const { answers } = daemon();
  answers.igniteGetApp = { body: app };
  answers.igniteCreateApp = { body: created };
  answers.igniteUpdateAppConfig = { body: app };
  answers.igniteSaveDraft = { body: { draft } };
  answers.igniteCompileDraft = { body: { deployId, draft: { ...draft, deployId } } };
  answers.igniteCompileLogs = { lines: [logLine("Compiling"), logLine("", "DRAFT_STATUS_COMPILED")] };
  answers.igniteGetDraft = { body: { draft: compiled } };
  answers.ignitePublishDraft = { body: { version: 3, url: app.url } };
});

const routes = (): string[] => daemon().calls.map(({ route }) => route);

test("a new function is made, compiled and published; its address is the result", async () => {
  daemon().answers.igniteGetApp = notFound("no");
  const { code, stdout, stderr } = await ask(
    ["ignite", "app", "deploy", "org:hello", "--code", "./", "--tier", "small", "--env", "A=1"],
    {},
    folder,
  );
  expect([code, stdout]).toEqual([0, `${app.url}\n`]);
  expect(stderr).toContain("Compiling");
  expect(routes()).toEqual([
    "igniteGetApp",
    "igniteCreateApp",
    "igniteSaveDraft",
    "igniteCompileDraft",
    "igniteCompileLogs",
    "igniteGetDraft",
    "ignitePublishDraft",
  ]);
  expect(daemon().calls[1]?.body).toEqual({
    name: "hello",
    resourceTier: "RESOURCE_TIER_SMALL",
    env: { A: "1" },
  });
});

test("one that is there is changed where a flag says so, and its variables are merged", async () => {
  const { stdout } = await ask(
    ["app", "deploy", "org:hello", "-c", ".", "--env", "A=1", "--json"],
    {},
    folder,
  );
  expect(JSON.parse(stdout)).toMatchObject({ appId: "org/hello", version: 3, url: app.url, deployId });
  expect(daemon().calls[1]).toMatchObject({ route: "igniteUpdateAppConfig", body: { env: { A: "1" } } });
  daemon().calls.length = 0;
  await ask(["app", "deploy", "org:hello", "-c", "."], {}, folder);
  expect(routes().slice(0, 2)).toEqual(["igniteGetApp", "igniteSaveDraft"]);
});

test("somebody else makes it meanwhile: then it is changed", async () => {
  daemon().answers.igniteGetApp = notFound("no");
  daemon().answers.igniteCreateApp = {
    status: 409,
    body: { error: { code: "ERR_ALREADY_EXISTS", message: "it is there" } },
  };
  const argv = ["app", "deploy", "org:hello", "-c", ".", "--tier", "small"];
  expect((await ask(argv, {}, folder)).code).toBe(0);
  expect(routes()).toContain("igniteUpdateAppConfig");
});

test("what does not compile is not published", async () => {
  daemon().answers.igniteCompileLogs = { lines: [logLine("error: no"), logLine("", "DRAFT_STATUS_FAILED")] };
  const { code, stdout } = await ask(["app", "deploy", "org:hello", "-c", "."], {}, folder);
  expect([code, stdout]).toEqual([11, ""]);
  expect(routes()).not.toContain("ignitePublishDraft");
});

test("a version that does not become ready is exit code 12", async () => {
  daemon().answers.ignitePublishDraft = {
    status: 422,
    body: { error: { code: "ERR_NOT_READY", message: "it was not ready" } },
  };
  expect((await ask(["app", "deploy", "org:hello", "-c", "."], {}, folder)).code).toBe(12);
});

test.each([
  [[], "--code is missing"],
  [["-c", "nowhere"], "does not exist"],
  [["-c", ".", "--git-url", "https://example.com"], "--git-url"],
  [["-c", ".", "--health-path", "/"], "--health-path"],
  [["-c", ".", "--runtime", "go"], "functions run in Rust"],
  [["-c", ".", "--env", "A"], "NAME=value"],
])("%j is refused with exit code 2 and nothing changes", async (args, words) => {
  const { code, stderr } = await ask(["ignite", "app", "deploy", "org:hello", ...args], {}, folder);
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  expect(routes()).toEqual([]);
});

test("what was added to the manifest is told once, by the log or by the command", async () => {
  const [added = ""] = compiled.added ?? [];
  const tell = async (): Promise<number> => {
    const { stderr } = await ask(["app", "deploy", "org:hello", "-c", "."], {}, folder);
    return stderr.split(added).length - 1;
  };
  expect(await tell()).toBe(1);
  daemon().answers.igniteCompileLogs = { lines: [logLine(added), logLine("", "DRAFT_STATUS_COMPILED")] };
  expect(await tell()).toBe(1);
});

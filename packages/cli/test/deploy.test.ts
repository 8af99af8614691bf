import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DeploymentEvent, DeploymentView } from "@bloomery/contract";
import { openDeploySite, type DeploySite } from "./deploy-site.js";
import { deployment, failed, live, phase } from "./documents.js";
import { run, type FakeDaemon, type SeenCall } from "./fake-daemon.js";
import { readTar } from "./read-tar.js";

let site: DeploySite;
let daemon: FakeDaemon;
beforeEach(async () => {
  site = await openDeploySite();
  ({ daemon } = site);
});
afterEach(() => site.close());

const write = (path: string, text: string): Promise<void> => site.write(path, text);
const answerEvents = (events: readonly DeploymentEvent[], end: DeploymentView): void =>
  site.answerEvents(events, end);
const deploy = (...flags: string[]): ReturnType<typeof run> => site.deploy(...flags);

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("a deploy", () => {
  test("prints the address, or with --json the whole result", async () => {
    const text = await deploy();
    expect([text.code, text.stdout]).toEqual([0, `${live.url}\n`]);
    const json = await deploy("--json", "-a", "acme:store", "-e", "staging");
    expect(JSON.parse(json.stdout)).toEqual({
      app: "store",
      org: "acme",
      environment: "main",
      shape: "web",
      version: 4,
      deployment: live.id,
      url: live.url,
      tcp: null,
      reused: false,
      timings: live.timings,
    });
    const begun = daemon.calls.filter(({ route }) => route === "createDeployment");
    expect(begun[0]).toMatchObject({ params: { org: "local", app: "shop", environment: "main" } });
    expect(begun[1]).toMatchObject({
      params: { org: "acme", app: "store", environment: "staging" },
      body: { tree: "a".repeat(64), uploadMs: expect.any(Number) as number },
    });
  });

  test("says what was detected, then one plain line for each phase", async () => {
    const progress: DeploymentEvent = {
      type: "progress",
      phase: "compile",
      done: 37,
      total: 112,
      current: "serde",
    };
    answerEvents([phase("fetch"), phase("compile"), progress, phase("start"), phase("ready")], live);
    const { stderr } = await deploy();
    const lines = stderr.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^shop: web app \(.*Cargo\.toml.*\)$/);
    expect(lines.slice(1).map((line) => line.replace(/\(.*/, ""))).toEqual([
      "done: upload ",
      "done: fetch ",
      "done: compile 37/112 ",
      "done: start ",
      "done: ready ",
    ]);
    expect((await deploy("-q")).stderr).toBe("");
  });

  test("says each warning once", async () => {
    await write("bloom.toml", '[http.locations."/docs"]\nroot = ""\n');
    const message =
      'bloom.toml:2:8 warning: http.locations./docs.root: the folder is empty, so this is the app\'s whole folder with its source and its program; write "root: public", or leave the key out';
    const later = "bloom.toml:1:1 warning: what only the daemon finds";
    answerEvents(
      [message, later, "the mount hides files"].map((text) => ({ type: "warning", message: text })),
      live,
    );
    const { stderr } = await deploy();
    expect(stderr.split("\n").filter((line) => line.includes("warning"))).toEqual([
      message,
      later,
      "warning: the mount hides files",
    ]);
  });

  test("sends only the contents that the daemon lacks", async () => {
    const text = "fn main() {}\n";
    daemon.answers.planUpload = { body: { tree: "b".repeat(64), missing: [sha256(text)] } };
    daemon.answers.uploadBlobs = { body: { received: 1 } };
    const { code, stderr } = await deploy("-v");
    expect([code, stderr]).toEqual([0, expect.stringContaining("sent 1 of 2 files")]);
    const [plan, upload] = daemon.calls;
    const { entries } = (plan as SeenCall).body as { entries: { path: string; sha256: string }[] };
    expect(entries.map((entry) => [entry.path, entry.sha256])).toContainEqual(["src/main.rs", sha256(text)]);
    expect(upload?.params).toMatchObject({ tree: "b".repeat(64) });
    expect(await readTar(upload?.body)).toEqual({ [sha256(text)]: text });
  });

  test("large files arrive whole", async () => {
    const text = "0123456789abcde\n".repeat(40_000);
    await write("data.txt", text);
    await write("empty.txt", "");
    daemon.answers.planUpload = { body: { tree: "b".repeat(64), missing: [sha256(text), sha256("")] } };
    daemon.answers.uploadBlobs = { body: { received: 2 } };
    expect((await deploy()).code).toBe(0);
    expect(await readTar(daemon.calls[1]?.body)).toEqual({ [sha256(text)]: text, [sha256("")]: "" });
  });

  test("--wait asks again until the lock is free; without it a lock is exit code 6", async () => {
    const locked = { status: 409, body: { error: { code: "ERR_DEPLOY_LOCKED", message: "ann deploys" } } };
    daemon.answers.createDeployment = locked;
    expect((await deploy()).code).toBe(6);
    daemon.answers.createDeployment = [locked, locked, locked, { body: deployment }];
    const { code, stderr } = await deploy("--wait");
    expect([code, daemon.count("createDeployment")]).toEqual([0, 4]);
    expect(stderr.match(/waiting: ann deploys/g)).toHaveLength(1);
  });

  test("--dry-run asks nothing of the daemon", async () => {
    const { code, stdout } = await deploy("--dry-run", "--json");
    expect([code, daemon.calls]).toEqual([0, []]);
    expect(JSON.parse(stdout)).toMatchObject({
      app: "shop",
      environment: "main",
      files: 2,
      config: { shape: "web" },
      problems: [],
    });
    expect((await deploy("--dry-run")).stdout).toContain("would send what is new of 2 files");
  });
});

describe("a deploy that fails", () => {
  const lines = Array.from({ length: 40 }, (_, n): DeploymentEvent => {
    return { type: "log", source: "build", text: `line ${n}.` };
  });

  test("in the build shows its last lines: exit code 11", async () => {
    answerEvents([phase("compile"), ...lines], failed("ERR_BUILD_FAILED", "the build ended with 101"));
    const { code, stdout, stderr } = await deploy();
    expect([code, stdout]).toEqual([11, ""]);
    expect(stderr).toContain("failed: compile");
    expect(stderr).not.toContain("line 9.");
    for (const n of [10, 39]) expect(stderr.split(`line ${n}.`)).toHaveLength(2);
    expect(stderr).toMatch(/error: the build ended with 101\n.*\n? *next: .*\n +code: ERR_BUILD_FAILED\n$/);
  });

  test("with -v shows every line as it comes, and once", async () => {
    answerEvents(lines, failed("ERR_BUILD_FAILED", "no"));
    const { stderr } = await deploy("-v");
    for (const n of [0, 9, 39]) expect(stderr.split(`line ${n}.`)).toHaveLength(2);
  });

  test("at its start shows the app's output: exit code 12, with --json the document", async () => {
    answerEvents(
      [{ type: "log", source: "app", text: "cannot bind" }],
      failed("ERR_NOT_READY", "not ready after 60 s"),
    );
    const { code, stdout, stderr } = await deploy("--json");
    expect([code, stderr]).toEqual([12, expect.stringContaining("| cannot bind")]);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: "ERR_NOT_READY", message: "not ready after 60 s" },
    });
  });

  test("because the files are wrong lists every mistake: exit code 2", async () => {
    await write("bloom.toml", 'shap = "web"\nreplicas = 3\n');
    const { code, stdout, stderr } = await deploy("--json");
    expect([code, daemon.calls]).toEqual([2, []]);
    const { error } = JSON.parse(stdout) as { error: { code: string; details: { problems: object[] } } };
    expect(error.code).toBe("ERR_MANIFEST_INVALID");
    expect(error.details.problems).toHaveLength(2);
    expect(stderr).toContain("bloom.toml:1:1");
    expect(stderr).toContain("bloom.toml:2:1");
    expect((await run(["validate", site.root])).code).toBe(2);
  });

  test("because the daemon went away: exit code 9", async () => {
    daemon.answers.watchDeployment = { lines: [phase("compile")], after: "break" };
    expect((await deploy()).code).toBe(9);
    daemon.answers.watchDeployment = { lines: [phase("compile")] };
    const { code, stderr } = await deploy();
    expect([code, stderr]).toEqual([9, expect.stringContaining("bloom status shop")]);
  });
});

test("a rollback shows the same and names the version", async () => {
  daemon.answers.rollback = { body: deployment };
  answerEvents([phase("switch")], { ...live, kind: "rollback" });
  const { code, stdout, stderr } = await run(["rollback", "shop", "v4"], { BLOOM_API: daemon.url });
  expect([code, stdout]).toEqual([0, `version 4 is live at ${live.url}\n`]);
  expect(stderr).toContain("done: switch");
  expect(daemon.calls[0]?.body).toEqual({ version: 4 });
});

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DeploymentView } from "@bloomery/contract";
import { deployment, environment, failed, live, logLine, phase } from "./documents.js";
import { run, startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";

let daemon: FakeDaemon;
let root: string;
beforeEach(async () => {
  daemon = await startFakeDaemon();
  root = await mkdtemp(join(tmpdir(), "bloom-dev-"));
  await mkdir(join(root, "src"));
  await writeFile(join(root, "Cargo.toml"), '[package]\nname = "shop"\nversion = "0.1.0"\n');
  await writeFile(join(root, "src", "main.rs"), "fn main() {}\n");
  daemon.answers.planUpload = { body: { tree: "a".repeat(64), missing: [] } };
  daemon.answers.createDeployment = { body: deployment };
  daemon.answers.cancelDeployment = { body: { ok: true } };
  daemon.answers.stopEnvironment = { body: environment };
  daemon.answers.readLogs = { lines: [logLine("5", "hello")], after: "hang" };
});
afterEach(async () => {
  await daemon.close();
  await rm(root, { recursive: true });
});

const dev = (...flags: string[]): ReturnType<typeof run> =>
  run(["dev", ...flags], { BLOOM_API: daemon.url, XDG_CACHE_HOME: join(root, "..", "no-cache") }, root);

const edit = (text: string): Promise<void> => writeFile(join(root, "src", "main.rs"), text);

/** The ends of the deployments in turn; each is given when it is asked for, then `after` does what comes next. */
function answerDeployments(...ends: { end: DeploymentView; after: () => unknown }[]): void {
  daemon.answers.watchDeployment = () => {
    const turn = ends[daemon.count("watchDeployment") - 1];
    if (turn === undefined) return expect.unreachable("one deployment too many");
    const build = { type: "log", source: "build", text: "Compiling shop" };
    return {
      lines: [phase("compile"), build, { type: "finished", deployment: turn.end }],
      sent: () => void turn.after(),
    };
  };
}

const interrupt = (): void => void process.emit("SIGINT");

/** Ctrl-C when the log is followed: the deploy is over by then. */
function interruptAtLogs(): void {
  daemon.answers.readLogs = () => ({ lines: [logLine("5", "hello")], after: "hang", sent: interrupt });
}

test("deploys to its own environment, shows the build and the app, and Ctrl-C stops it", async () => {
  interruptAtLogs();
  answerDeployments({ end: live, after: () => undefined });
  const { code, stdout, stderr } = await dev();
  expect(code).toBe(0);
  expect(stdout).toContain(live.url);
  expect(stderr).toContain("Compiling shop");
  expect(stderr).toContain("stopped shop (dev)");
  const places = daemon.calls.filter(({ params }) => "environment" in params).map(({ params }) => params);
  expect(places.every((one) => one["environment"] === "dev")).toBe(true);
  expect(daemon.count("stopEnvironment")).toBe(1);
  const log = daemon.calls.find(({ route }) => route === "readLogs");
  expect(log?.query).toMatchObject({ follow: "true", since: expect.any(String) as string });
});

test("a change deploys again; one that fails leaves the last version and waits for the next", async () => {
  answerDeployments(
    { end: live, after: () => edit("fn main() { wrong }\n") },
    { end: failed("ERR_BUILD_FAILED", "the build ended with 101"), after: () => edit("fn main() { }\n") },
    { end: live, after: () => setImmediate(interrupt) },
  );
  const { code, stderr } = await dev("-e", "ann");
  expect([code, daemon.count("createDeployment")]).toEqual([0, 3]);
  expect(stderr).toContain("error: the build ended with 101");
  expect(stderr).toContain("the last version goes on; waiting for a change");
  expect(stderr).toContain("stopped shop (ann)");
  expect(daemon.count("readLogs")).toBe(1);
});

test("what came while it deployed is deployed next, once and whole", async () => {
  answerDeployments(
    { end: live, after: () => undefined },
    { end: live, after: () => setImmediate(interrupt) },
  );
  daemon.answers.createDeployment = async () => {
    if (daemon.count("createDeployment") === 1)
      for (const text of ["a", "b", "c"]) await edit(`// ${text}\n`);
    return { body: deployment };
  };
  expect((await dev()).code).toBe(0);
  const entries = daemon.calls.flatMap(({ route, body }) => (route === "planUpload" ? [body] : []));
  expect(entries).toHaveLength(2);
  expect(entries[0]).not.toEqual(entries[1]);
});

test("a mistake in the manifest waits for its correction", async () => {
  await writeFile(join(root, "bloom.toml"), 'shap = "web"\n');
  answerDeployments({ end: live, after: () => setImmediate(interrupt) });
  const running = dev();
  // The first attempt asks nothing of the daemon; the correction may come before or after it.
  await writeFile(join(root, "bloom.toml"), "");
  expect((await running).code).toBe(0);
  expect(daemon.count("createDeployment")).toBe(1);
});

test("Ctrl-C while it builds cancels that, then stops what runs", async () => {
  daemon.answers.watchDeployment = () => {
    interrupt();
    return { lines: [{ type: "finished", deployment: failed("ERR_BUILD_CANCELLED", "cancelled") }] };
  };
  const { code } = await dev();
  expect([code, daemon.count("cancelDeployment"), daemon.count("stopEnvironment")]).toEqual([0, 1, 1]);
});

test("what no change can mend ends it", async () => {
  const error = { code: "ERR_FORBIDDEN", message: "viewers may not deploy" };
  daemon.answers.createDeployment = { status: 403, body: { error } };
  daemon.answers.stopEnvironment = { status: 404, body: { error: { ...error, code: "ERR_NOT_FOUND" } } };
  const { code, stderr } = await dev();
  expect([code, stderr]).toEqual([4, expect.stringContaining("viewers may not deploy")]);
  expect(stderr).not.toContain("could not be stopped");
});

test.each([
  [["/nonexistent"], "not a folder"],
  [["-e", "No"], "not a valid name"],
])("%j is refused with exit code 2", async (argv, words) => {
  expect(await dev(...argv)).toMatchObject({ code: 2, stderr: expect.stringContaining(words) as string });
  expect(daemon.calls).toEqual([]);
});

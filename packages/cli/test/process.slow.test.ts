import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { app, deployment, failed, phase } from "./documents.js";
import { startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const main = join(repository, "packages", "cli", "dist", "main.js");

// A process runs what is compiled.
beforeAll(() => {
  const tsc = join(repository, "node_modules", ".bin", "tsc");
  execFileSync(tsc, ["-b", join(repository, "packages", "cli")], { stdio: "pipe" });
});

let daemon: FakeDaemon;
let root: string;
const started: ChildProcess[] = [];
beforeEach(async () => {
  daemon = await startFakeDaemon();
  root = await mkdtemp(join(tmpdir(), "bloom-process-"));
});
afterEach(async () => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  await daemon.close();
  await rm(root, { recursive: true });
});

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>;
}

function start(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
  const child = spawn(process.execPath, [main, ...argv], {
    cwd: root,
    env: {
      PATH: process.env["PATH"],
      HOME: root,
      BLOOM_HOME: join(root, "home"),
      BLOOM_API: daemon.url,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  const ended = Promise.all([
    text(child.stdout).catch(() => ""), // the test went away before the end
    text(child.stderr),
    once(child, "exit"),
  ]).then(([stdout, stderr, [code, signal]]) => ({
    code: code as number | null,
    signal: signal as string | null,
    stdout,
    stderr,
  }));
  return { child, ended };
}

test("a daemon that does not start in the foreground says once why", async () => {
  const { code, stderr } = await start(["server", "start", "--api-port", "none"]).ended;
  expect(code).toBe(2);
  expect(stderr.match(/none/g)).toHaveLength(1);
});

describe("exit codes of the process", () => {
  test.each([
    [["--version"], 0],
    [["--help"], 0],
    [[], 2],
    [["deploi"], 2],
    [["server", "status"], 3],
    [["validate"], 2],
    [["apps", "--api", "http://127.0.0.1:1"], 9],
  ])("%j: %i", async (argv, code) => {
    daemon.answers.getStatus = {
      status: 401,
      body: { error: { code: "ERR_UNAUTHENTICATED", message: "who?" } },
    };
    expect(await start(argv).ended).toMatchObject({ code });
  });
});

test("a reader that goes away early is no error", async () => {
  const apps = Array.from({ length: 5000 }, () => app);
  daemon.answers.listApps = { body: { apps } };
  const { child, ended } = start(["apps", "--json"]);
  child.stdout?.once("data", () => child.stdout?.destroy());
  expect(await ended).toMatchObject({ code: 0, stderr: "" });
});

describe("Ctrl-C during a deploy", () => {
  /** Starts a deploy and waits until it follows its deployment. */
  async function startDeploy(): Promise<Started> {
    await writeFile(join(root, "Cargo.toml"), '[package]\nname = "shop"\nversion = "0.1.0"\n');
    await mkdir(join(root, "src"));
    await writeFile(join(root, "src", "main.rs"), "fn main() {}\n");
    daemon.answers.planUpload = { body: { tree: "a".repeat(64), missing: [] } };
    daemon.answers.createDeployment = { body: deployment };
    const running = start(["deploy"]);
    await waiting;
    return running;
  }

  let waiting: Promise<void>;
  let cancelled: Promise<void>;
  let noticeCancel: () => void;
  beforeEach(() => {
    cancelled = new Promise((resolve) => (noticeCancel = resolve));
    daemon.answers.cancelDeployment = () => {
      noticeCancel();
      return { body: { ok: true } };
    };
  });

  test("cancels it, waits for its end and exits with 130", async () => {
    waiting = new Promise((resolve) => {
      daemon.answers.watchDeployment = async () => {
        resolve();
        await cancelled;
        const end = failed("ERR_BUILD_CANCELLED", "cancelled");
        return { lines: [{ type: "finished", deployment: end }] };
      };
    });
    const { child, ended } = await startDeploy();
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([130, expect.stringContaining("was cancelled")]);
  });

  test("a second one exits at once", async () => {
    waiting = new Promise((resolve) => {
      daemon.answers.watchDeployment = { lines: [phase("compile")], after: "hang", sent: resolve };
    });
    const { child, ended } = await startDeploy();
    child.kill("SIGINT");
    await cancelled;
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130 });
  });
});

describe("server start", () => {
  test.each([[[]], [["--detach"]]])("%j: what the daemon says is wrong is the error", async (flags) => {
    const argv = ["server", "start", "--api-port", "nope", ...flags, "--json"];
    const { code, stdout } = await start(argv).ended;
    expect([code, JSON.parse(stdout)]).toMatchObject([
      2,
      { error: { code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining("--api-port") as string } },
    ]);
  });

  test("--detach keeps the daemon's words in a file", async () => {
    await start(["server", "start", "--api-port", "nope", "--detach", "--home", "here"]).ended;
    expect(await readFile(join(root, "here", "log", "bloomd.log"), "utf8")).toContain("--api-port");
  });
});

test("linked as `dodil` it is the same program, and says so", async () => {
  const dodil = join(root, "dodil");
  await symlink(main, dodil);
  const run = (...argv: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [dodil, ...argv], { encoding: "utf8", env: { PATH: process.env["PATH"] } });
  expect(run("--version")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\./) as string });
  expect(run("ignite", "draft")).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("`dodil ignite draft --help`") as string,
  });
  expect(run("ignite", "--help").stdout).toContain("Usage: dodil ignite");
});

test("a body larger than a pipe holds arrives whole", async () => {
  const chunk = "x".repeat(65_536);
  const data = Buffer.from(chunk).toString("base64");
  daemon.answers.igniteInvoke = {
    lines: [
      { head: { executionId: "x-1", version: 1, status: 200, headers: {} } },
      ...Array.from({ length: 64 }, () => ({ chunk: { data } })),
      { trailer: { status: "EXECUTION_STATUS_SUCCEEDED", bytes: "4194304", durationMs: 1 } },
    ],
  };
  const { code, stdout } = await start(["ignite", "invoke", "hello"]).ended;
  expect([code, stdout.length]).toEqual([0, 64 * chunk.length]);
});

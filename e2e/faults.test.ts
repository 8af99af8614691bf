import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startLoad } from "./lib/load.js";
import { ask, eventually, findFreePort, startPlatform, type Platform } from "./lib/platform.js";
import { answeringApp, crateFiles, makeProject, type Project } from "./lib/project.js";

interface Failure {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };
}
interface Instances {
  readonly instances: readonly { readonly id: string; readonly pid: number; readonly state: string; readonly restarts: number }[];
}

const host = "shop-local.localhost";
let platform: Platform;
let project: Project;

beforeAll(async () => {
  platform = await startPlatform();
  project = await makeProject(crateFiles("shop", answeringApp("good")));
  await platform.json("deploy", project.dir, "-a", "shop");
});
afterAll(async () => {
  await platform.stop();
  await project.dispose();
});
/** Whatever went wrong in a test, the version from before it serves. */
afterEach(async () => {
  await eventually("the good version", () => platform.get(host), (answer) => answer.body === "good");
});

async function deployBroken(files: Record<string, string>, ...flags: string[]): Promise<{ code: number; failure: Failure["error"] }> {
  const broken = await makeProject(files);
  try {
    const result = await platform.bloom("deploy", broken.dir, "-a", "shop", "--json", ...flags);
    return { code: result.code, failure: (JSON.parse(result.stdout) as Failure).error };
  } finally {
    await broken.dispose();
  }
}

const ps = (): Promise<Instances> => platform.json<Instances>("ps", "shop");
const quick = "[ready]\ntimeout_seconds = 3\n";

describe("a start that fails leaves the old version serving", () => {
  test("the command does not exist", async () => {
    const { code, failure } = await deployBroken({
      ...crateFiles("shop", answeringApp("bad")),
      "bloom.toml": `${quick}[run]\ncommand = "./no/such/program"\n`,
    });
    expect([code, failure.code]).toEqual([12, "ERR_START_FAILED"]);
    expect(failure.message).toContain("exit code 127 (command not found)");
  });

  test("it exits at once; the last lines of its output are shown", async () => {
    const { code, failure } = await deployBroken(
      crateFiles("shop", `fn main() { eprintln!("no database"); std::process::exit(3); }`),
    );
    expect([code, failure.code]).toEqual([12, "ERR_START_FAILED"]);
    expect(failure.message).toContain("exit code 3");
    expect(JSON.stringify(failure.details)).toContain("no database");
  });

  test("it goes into the background", async () => {
    const { code, failure } = await deployBroken({
      ...crateFiles("shop", answeringApp("bad")),
      "bloom.toml": `${quick}[run]\ncommand = "sleep 300 & exit 0"\n`,
    });
    expect([code, failure.code]).toEqual([12, "ERR_START_FAILED"]);
    expect(failure.message).toMatch(/stay in the foreground/);
  });

  test("it never listens; the last probe is told", async () => {
    const { code, failure } = await deployBroken({
      ...crateFiles("shop", "fn main() { loop { std::thread::park(); } }"),
      "bloom.toml": quick,
    });
    expect([code, failure.code]).toEqual([12, "ERR_NOT_READY"]);
    expect(failure.message).toMatch(/refused/);
  });

  test("it listens on another port; that port is named", async () => {
    const main = `fn main() { let _l = std::net::TcpListener::bind("127.0.0.1:3210").unwrap(); loop { std::thread::park(); } }`;
    const { failure } = await deployBroken({ ...crateFiles("shop", main), "bloom.toml": quick });
    expect(failure.code).toBe("ERR_NOT_READY");
    expect(failure.message).toContain("listens on port 3210");
  });
});

describe("a source that cannot be built", () => {
  test("does not compile: exit 11 and the compiler's words", async () => {
    const { code, failure } = await deployBroken(crateFiles("shop", "fn main() { let x: u32 = \"text\"; }"));
    expect([code, failure.code]).toEqual([11, "ERR_BUILD_FAILED"]);
    expect(JSON.stringify(failure.details)).toContain("mismatched types");
  });

  test("has a manifest that does not parse: file, line and column", async () => {
    const { code, failure } = await deployBroken({
      ...crateFiles("shop", answeringApp("bad")),
      ".platform.app.yaml": "name: shop\nweb: [\n",
    });
    expect([code, failure.code]).toEqual([2, "ERR_MANIFEST_INVALID"]);
    expect(failure.message).toMatch(/\.platform\.app\.yaml:\d+:\d+/);
  });
});

test("two deploys at once: the second is told who holds the lock", async () => {
  const slow = await makeProject({
    ...crateFiles("shop", answeringApp("good")),
    "build.rs": `fn main() { std::thread::sleep(std::time::Duration::from_secs(4)); }`,
  });
  try {
    const first = platform.bloom("deploy", slow.dir, "-a", "shop", "--json");
    await eventually(
      "the first one's build",
      () => platform.json<{ environments: { lastDeployment: { state: string } }[] }>("status", "shop"),
      (status) => status.environments[0]?.lastDeployment.state === "building",
    );
    const second = await platform.bloom("deploy", project.dir, "-a", "shop", "--json");
    expect(second.code).toBe(6);
    const { error } = JSON.parse(second.stdout) as Failure;
    expect(error.code).toBe("ERR_DEPLOY_LOCKED");
    expect(error.message).toMatch(/locked by a deploy that admin began/);
    expect((await first).code).toBe(0);
  } finally {
    await slow.dispose();
  }
});

describe("Ctrl-C", () => {
  const cases = [
    ["while compiling", { "build.rs": "fn main() { std::thread::sleep(std::time::Duration::from_secs(30)); }" }, "building"],
    ["while starting", { "src/main.rs": "fn main() { loop { std::thread::park(); } }" }, "starting"],
  ] as const;
  test.each(cases)("%s cancels the deployment and exits with 130", async (_name, files, state) => {
    const slow = await makeProject({ ...crateFiles("shop", answeringApp("slow")), ...files });
    try {
      const child = platform.spawnBloom("deploy", slow.dir, "-a", "shop");
      const code = new Promise((resolve) => child.once("exit", resolve));
      const lastState = async (): Promise<string> => {
        const status = await platform.json<{ environments: { lastDeployment: { state: string } }[] }>("status", "shop");
        return status.environments[0]?.lastDeployment.state ?? "";
      };
      await eventually(state, lastState, (seen) => seen === state);
      child.kill("SIGINT");
      expect(await code).toBe(130);
      expect(await lastState()).toBe("failed");
      expect((await ps()).instances).toHaveLength(1);
    } finally {
      await slow.dispose();
    }
  });
});

describe("kill -9 under load", () => {
  test("of the app: it is back within moments", async () => {
    const [before] = (await ps()).instances;
    const load = startLoad(platform.httpPort, host, { clients: 4 });
    process.kill(before?.pid ?? 0, "SIGKILL");
    await eventually("a restart", ps, ({ instances }) => instances[0]?.state === "ready" && (instances[0]?.restarts ?? 0) > 0);
    const count = load.count();
    await eventually("answers", async () => load.count(), (now) => now > count + 20);
    await load.stop();
  });

  test("of the shim: another instance takes its place", async () => {
    const [before] = (await ps()).instances;
    const state = JSON.parse(await readFile(join(platform.home, "instances", before?.id ?? "", "state.json"), "utf8")) as { shim_pid: number };
    const load = startLoad(platform.httpPort, host, { clients: 4 });
    process.kill(state.shim_pid, "SIGKILL");
    await eventually("a new instance", ps, ({ instances }) => instances[0]?.state === "ready" && instances[0]?.id !== before?.id);
    await eventually("the app's end", async () => isAlive(before?.pid ?? 0), (alive) => !alive);
    await load.stop();
  });

  test("of nginx: it is started again by itself", async () => {
    const status = await platform.json<{ nginx: { pid: number } }>("server", "status");
    process.kill(status.nginx.pid, "SIGKILL");
    await eventually(
      "another nginx",
      () => platform.json<{ nginx: { pid: number; running: boolean } }>("server", "status"),
      (now) => now.nginx.running && now.nginx.pid !== status.nginx.pid,
    );
    await eventually("an answer", () => platform.get(host).catch(() => undefined), (answer) => answer?.body === "good");
  });

  test("of the daemon: not one request fails, and it finds its instances again", async () => {
    const [before] = (await ps()).instances;
    const load = startLoad(platform.httpPort, host);
    process.kill(await platform.daemonPid(), "SIGKILL");
    const count = load.count();
    await eventually("traffic without a daemon", async () => load.count(), (now) => now > count + 500);
    expect((await platform.bloom("ps", "--json")).code).toBe(9);
    await platform.start();
    const [after] = (await ps()).instances;
    expect(after).toMatchObject({ id: before?.id, pid: before?.pid, state: "ready" });
    expect((await load.stop()).failures).toEqual([]);
  });

  test("of the daemon while it deploys: the deployment is marked failed and its lock is gone", async () => {
    const slow = await makeProject({
      ...crateFiles("shop", answeringApp("good")),
      "build.rs": "fn main() { std::thread::sleep(std::time::Duration::from_secs(60)); }",
    });
    try {
      const child = platform.spawnBloom("deploy", slow.dir, "-a", "shop", "--json");
      const ended = new Promise((resolve) => child.once("exit", resolve));
      const last = async (): Promise<string> => {
        const status = await platform.json<{ environments: { lastDeployment: { state: string } }[] }>("status", "shop");
        return status.environments[0]?.lastDeployment.state ?? "";
      };
      await eventually("the build", last, (state) => state === "building");
      process.kill(await platform.daemonPid(), "SIGKILL");
      await ended;
      await platform.start();
      expect(await last()).toBe("failed");
      await platform.json("deploy", project.dir, "-a", "shop");
    } finally {
      await slow.dispose();
    }
  });
});

test("a port that is taken: the error names the holder and the flag, and nothing is left running", async () => {
  const server = createServer();
  const port = await findFreePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const free = await findFreePort();
  try {
    for (const [flag, ports] of [
      ["--api-port", [String(port), String(free)]],
      ["--http-port", [String(free), String(port)]],
    ] as const) {
      const home = join(platform.home, "..", `bloom-taken-${process.pid}-${port}`);
      const args = ["server", "start", "--detach", "--home", home, "--api-port", ports[0], "--http-port", ports[1]];
      const result = await platform.bloom(...args);
      expect(result.code).toBe(6);
      expect(result.stderr).toContain("ERR_PORT_TAKEN");
      expect(result.stderr).toContain(String(process.pid));
      expect(result.stderr).toContain(flag);
    }
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test("a stale home lock does not keep a daemon from starting; a live one does", async () => {
  const again = await platform.bloom("server", "start", "--detach", "--home", platform.home, "--api-port", String(await findFreePort()));
  expect([again.code, again.stderr]).toEqual([6, expect.stringContaining("ERR_DAEMON_RUNNING")]);
  process.kill(await platform.daemonPid(), "SIGKILL");
  // A pid that exists but is another process: the start time tells them apart.
  await writeFile(join(platform.home, "bloomd.lock"), JSON.stringify({ pid: process.pid, start: "1" }));
  await platform.start();
});

test("without a daemon every verb says so with exit code 9", async () => {
  const port = await findFreePort();
  const result = await platform.bloom("apps", "--api", `http://127.0.0.1:${port}`, "--json");
  expect([result.code, result.stdout]).toEqual([9, expect.stringContaining("ERR_DAEMON_UNREACHABLE")]);
  await expect(ask(port, host, "/")).rejects.toThrow(/ECONNREFUSED/);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

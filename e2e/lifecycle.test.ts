import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLoad } from "./lib/load.js";
import { fixture, startPlatform, type Platform } from "./lib/platform.js";
import { copyProject, type Project } from "./lib/project.js";
import type { Failure } from "./lib/shop.js";

interface Deployed {
  readonly version: number;
  readonly reused: boolean;
}

interface Line {
  readonly type: string;
  readonly stream: string;
  readonly text: string;
}

/** What a deployment runs, in which order, and what a failure of each step leaves. */
describe("hooks", () => {
  let platform: Platform;
  let project: Project;
  const host = "mirror-local.localhost";

  const ran = async (): Promise<string[]> => {
    const answer = await platform.get(host, "/file/state/hooks.txt");
    await platform.get(host, "/file/state/hooks.txt", { method: "POST", body: "" });
    return answer.body.trim().split("\n");
  };
  const edit = (mark: string): Promise<void> => project.write("mark.txt", mark);
  const logs = async (...flags: string[]): Promise<Line[]> => {
    const { stdout } = await platform.bloom("logs", "mirror", "--json", "--tail", "all", ...flags);
    return stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
  };

  beforeAll(async () => {
    platform = await startPlatform();
    project = await copyProject(fixture("fixtures/apps/mirror"));
    await platform.json("deploy", project.dir, "-a", "mirror");
  });
  afterAll(async () => {
    await platform.stop();
    await project.dispose();
  });

  test("run in order: pre_start, post_start, deploy, post_deploy", async () => {
    expect(await ran()).toEqual(["pre_start", "post_start", "deploy", "post_deploy"]);
  });

  test("each leaves its log", async () => {
    const hooks = await logs("--type", "hooks");
    const said = (stream: string): string[] =>
      hooks.filter((line) => line.stream === stream).map((line) => line.text);
    expect(said("pre_start")).toContain("getting ready");
    expect(said("deploy")).toContain("deploy sees blue from main");
    expect(said("post_deploy")).toContain("after the switch");
    const deployLog = await platform.bloom("log", "deploy", "mirror");
    expect(deployLog.stdout).toContain("deploy sees blue from main");
    expect(deployLog.stdout).not.toContain("after the switch");
    const app = await logs("--type", "app");
    expect(app.some((line) => line.text === "reflecting")).toBe(true);
    expect(app.some((line) => line.text === "getting ready")).toBe(false);
    const build = await logs("--type", "build");
    expect(build.some((line) => line.text.includes("Compiling mirror"))).toBe(true);
  });

  test("a restart runs the start commands only, a redeploy post_deploy as well", async () => {
    await ran();
    await platform.json("restart", "mirror");
    expect(await ran()).toEqual(["pre_start", "post_start"]);
    await platform.json("redeploy", "mirror");
    expect(await ran()).toEqual(["pre_start", "post_start", "post_deploy"]);
    await platform.json("env", "set", "mirror", "LEVEL=1");
    expect(await ran()).toEqual(["pre_start", "post_start", "post_deploy"]);
  });

  test("a failing deploy hook keeps the old version, and says what the hook said", async () => {
    await platform.get(host, "/file/state/fail-deploy", { method: "POST", body: "" });
    await edit("two");
    const result = await platform.bloom("deploy", project.dir, "-a", "mirror", "--json");
    const { error } = JSON.parse(result.stdout) as Failure;
    expect([result.code, error.code]).toEqual([12, "ERR_HOOK_FAILED"]);
    expect(JSON.stringify(error)).toContain("the migration failed");
    expect(JSON.stringify(error)).toContain("7");
    expect((await platform.get(host, "/file/mark.txt")).status).toBe(500);
  });

  test("by setting, the new version goes live all the same", async () => {
    await project.write("bloom.toml", '[deploy]\non_hook_failure = "go_live"\n');
    const result = await platform.bloom("deploy", project.dir, "-a", "mirror", "--json");
    expect(result.code).not.toBe(0);
    expect(result.stdout).toContain("ERR_HOOK_FAILED");
    expect((await platform.get(host, "/file/mark.txt")).body).toBe("two");
  });

  test("a hook that failed runs again at the next deploy of the same version", async () => {
    await platform.bloom("exec", "mirror", "--", "rm", "state/fail-deploy");
    await ran();
    await platform.json("deploy", project.dir, "-a", "mirror");
    expect(await ran()).toEqual(["pre_start", "post_start", "deploy", "post_deploy"]);
    expect((await platform.json<Deployed>("deploy", project.dir, "-a", "mirror")).reused).toBe(true);
    expect(await ran()).toEqual([""]);
  });

  test("a rollback runs the hooks of the version it goes to, and none with --no-hooks", async () => {
    await platform.json("rollback", "mirror");
    expect(await ran()).toEqual(["pre_start", "post_start", "deploy", "post_deploy"]);
    await platform.json("rollback", "mirror", "2", "--no-hooks");
    expect(await ran()).toEqual(["pre_start", "post_start"]);
  });

  test.each([
    ["the start command", true, "start: ./target/release/mirror", "start: exec ./target/release/mirror"],
    ["a location", true, "expires: 1h", "expires: 2h"],
    ["a deploy hook", true, "deploy sees", "deploy saw"],
    ["who may enter", true, "disk: 256", "disk: 256\naccess: { ssh: admin }"],
    [
      "a cron",
      true,
      "disk: 256",
      "disk: 256\ncrons: { night: { spec: '0 3 * * *', commands: { start: 'true' } } }",
    ],
    ["the build hook", false, "built page", "page that was built"],
    ["a mount", false, "  /.scratch:", "  /.other: { source: tmp }\n  /.scratch:"],
    ["a variable", false, "colour: blue", "colour: green"],
  ])("a change of %s is deployed without a build: %s", async (_what, isReused, from, to) => {
    const file = `${project.dir}/.platform.app.yaml`;
    const before = await readFile(file, "utf8");
    expect(before).toContain(from);
    await project.write(".platform.app.yaml", before.replace(from, to));
    const { reused, version } = await platform.json<Deployed>("deploy", project.dir, "-a", "mirror");
    expect(reused).toBe(isReused);
    const { versions } = await platform.json<{ versions: { number: number }[] }>("versions", "mirror");
    expect(versions[0]?.number).toBe(version);
    await project.write(".platform.app.yaml", before);
    expect((await platform.json<Deployed>("deploy", project.dir, "-a", "mirror")).reused).toBe(true);
  });

  test("so is one of bloom.toml, as far as no build sees it", async () => {
    await project.write("bloom.toml", '[deploy]\nhold_seconds = 20\n[hooks]\npost_deploy = "true"\n');
    expect((await platform.json<Deployed>("deploy", project.dir, "-a", "mirror")).reused).toBe(true);
    await project.write("bloom.toml", '[build]\ncommand = "cargo build --release --offline"\n');
    expect((await platform.json<Deployed>("deploy", project.dir, "-a", "mirror")).reused).toBe(false);
  });
});

describe("a stop-start deployment", () => {
  let platform: Platform;
  let project: Project;
  const host = "slow-local.localhost";

  beforeAll(async () => {
    platform = await startPlatform();
    project = await copyProject(fixture("fixtures/apps/slow-start"));
    await platform.json("deploy", project.dir, "-a", "slow");
  });
  afterAll(async () => {
    await platform.stop();
    await project.dispose();
  });

  const change = async (name: string): Promise<void> => {
    const text = await readFile(`${project.dir}/src/main.rs`, "utf8");
    await project.write("src/main.rs", text.replace(/VERSION: &str = "\w+"/, `VERSION: &str = "${name}"`));
  };

  test("holds requests while the app is away, and answers all of them", async () => {
    await change("two");
    const load = startLoad(platform.httpPort, host);
    await platform.json("deploy", project.dir, "-a", "slow", "--strategy", "stopstart");
    const { failures, bodies } = await load.stop();
    expect(failures).toEqual([]);
    expect([...bodies.keys()].map((body) => body.split(" ")[0])).toEqual(
      expect.arrayContaining(["one", "two"]),
    );
    expect((await platform.get(host)).body).toContain("two");
  });

  test("never has both versions at once", async () => {
    await change("three");
    const seen = new Set<number>();
    let done = false;
    const watch = (async () => {
      while (!done) {
        const { instances } = await platform.json<{ instances: { state: string }[] }>("ps", "slow");
        seen.add(instances.length);
      }
    })();
    await platform.json("deploy", project.dir, "-a", "slow", "--strategy", "stopstart");
    done = true;
    await watch;
    expect(Math.max(...seen)).toBe(1);
  });

  test("whose start fails brings the old version back, and the held requests get their answer", async () => {
    await project.write("bloom.toml", '[run]\ncommand = "exit 3"\n');
    const load = startLoad(platform.httpPort, host);
    const result = await platform.bloom(
      "deploy",
      project.dir,
      "-a",
      "slow",
      "--strategy",
      "stopstart",
      "--json",
    );
    expect(result.code).toBe(12);
    const { failures, bodies } = await load.stop();
    expect(failures).toEqual([]);
    expect([...bodies.keys()].every((body) => body.startsWith("three"))).toBe(true);
  });
});

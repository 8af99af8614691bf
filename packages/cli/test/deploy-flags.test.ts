import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findProjectRoot } from "../src/project/find-root.js";
import { openDeploySite, type DeploySite } from "./deploy-site.js";
import { deployment, failed, live, phase } from "./documents.js";
import { run, type FakeDaemon, type SeenCall } from "./fake-daemon.js";

let site: DeploySite;
let daemon: FakeDaemon;
let root: string;
beforeEach(async () => {
  site = await openDeploySite();
  ({ daemon, root } = site);
});
afterEach(() => site.close());

const write = (path: string, text: string): Promise<void> => site.write(path, text);
const deploy = (...flags: string[]): ReturnType<typeof run> => site.deploy(...flags);

describe("the project", () => {
  const body = (): unknown => daemon.calls.find(({ route }) => route === "createDeployment")?.body;
  const yaml = (name: string): string =>
    `name: ${name}\ntype: rust:1\nhooks:\n  build: cargo build\nweb:\n  commands:\n    start: ./${name}\n`;

  test("is the folder upward with .platform, and the folder that was named is told", async () => {
    await write(".platform/routes.yaml", "");
    await write("services/cart/.platform.app.yaml", yaml("cart"));
    await write("services/pay/.platform.app.yaml", yaml("pay"));
    await write("services/pay/src/main.rs", "");
    expect((await deploy("services/pay/src")).code).toBe(0);
    expect(body()).toMatchObject({ folder: "services/pay/src", folderName: "project" });
    expect(daemon.calls[0]?.params).toMatchObject({ app: "pay" });
    const { entries } = (daemon.calls[0] as SeenCall).body as { entries: { path: string }[] };
    expect(entries.map(({ path }) => path)).toContain("services/cart/.platform.app.yaml");
  });

  test("--app-name chooses one of several apps; a wrong one is refused with the names there are", async () => {
    await write("cart/.platform.app.yaml", yaml("cart"));
    await write("pay/.platform.app.yaml", yaml("pay"));
    await rm(join(root, "Cargo.toml"));
    expect((await deploy("--app-name", "cart")).code).toBe(0);
    expect(body()).toMatchObject({ manifestApp: "cart", folder: "" });
    expect(daemon.calls[0]?.params).toMatchObject({ app: "cart" });
    const unclear = await deploy();
    expect([unclear.code, unclear.stderr]).toEqual([2, expect.stringContaining("ERR_APP_AMBIGUOUS")]);
    const wrong = await deploy("--app-name", "crat");
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('did you mean "cart"')]);
    expect(daemon.count("createDeployment")).toBe(1);
    expect((await run(["validate", root, "--app-name", "pay"])).stdout).toContain("valid: pay");
  });

  test("a crate in a repository is a project by itself, a folder without a manifest is not", async () => {
    await write(".git/HEAD", "");
    await write("tool/Cargo.toml", '[package]\nname = "tool"\nversion = "0.1.0"\nedition = "2021"\n');
    await write("tool/src/main.rs", "fn main() {}\n");
    expect((await deploy("tool")).code).toBe(0);
    expect(body()).toMatchObject({ folder: "", folderName: "tool" });
    expect(await findProjectRoot(join(root, "src"))).toEqual({ root, folder: "src" });
  });
});

describe("the strategy", () => {
  test("is the manifest's unless --strategy names one", async () => {
    await deploy();
    await deploy("--strategy", "stopstart");
    const bodies = daemon.calls.flatMap((call) => (call.route === "createDeployment" ? [call.body] : []));
    expect(bodies[0]).not.toHaveProperty("strategy");
    expect(bodies[1]).toMatchObject({ strategy: "stopstart" });
    expect((await deploy("--dry-run", "--strategy", "stopstart")).stdout).toContain("strategy stopstart");
  });

  test.each([
    ["deploy", []],
    ["redeploy", ["shop"]],
  ])("%s refuses one that does not exist", async (verb, args) => {
    const { code, stderr } = await run(
      [verb, ...args, "--strategy", "stop-start"],
      { BLOOM_API: daemon.url },
      root,
    );
    expect([code, daemon.calls]).toEqual([2, []]);
    expect(stderr).toContain("rolling or stopstart");
    expect(stderr).toContain("Did you mean `stopstart`?");
  });
});

describe("hooks", () => {
  test("are phases of their own, and what they say is shown", async () => {
    site.answerEvents(
      [
        phase("hold"),
        phase("deploy_hook"),
        { type: "log", source: "hook", text: "migrating" },
        phase("switch"),
        phase("post_deploy_hook"),
      ],
      live,
    );
    const { stderr } = await deploy();
    const lines = stderr.trimEnd().split("\n").slice(2);
    expect(lines.map((line) => line.replace(/ \(.*/, ""))).toEqual([
      "done: hold requests",
      "  | migrating",
      "done: deploy hook",
      "done: switch",
      "done: post_deploy hook",
    ]);
  });

  test("one that fails is exit code 12, and it is said when the version is live all the same", async () => {
    const end = failed("ERR_HOOK_FAILED", "deploy ended with 7");
    site.answerEvents([phase("deploy_hook")], end);
    expect((await deploy()).code).toBe(12);
    site.answerEvents([phase("deploy_hook")], { ...end, state: "live", version: 4 });
    const { code, stderr } = await deploy();
    expect([code, stderr]).toEqual([12, expect.stringContaining("version 4 is live at")]);
  });

  test("the one that failed is marked so, and no other", async () => {
    const end = { ...failed("ERR_HOOK_FAILED", "the deploy hook ended with code 7"), version: 4 };
    const warning = { type: "warning", message: "it goes live all the same", failed: true } as const;
    site.answerEvents([phase("deploy_hook"), warning, phase("switch"), phase("post_deploy_hook")], {
      ...end,
      state: "live",
    });
    const { stderr } = await deploy();
    expect(stderr.split("\n").map((line) => line.replace(/ \(.*/, ""))).toEqual(
      expect.arrayContaining(["failed: deploy hook", "done: switch", "done: post_deploy hook"]),
    );
    expect(stderr).not.toContain("failed: post_deploy hook");
  });

  test("--no-hooks leaves them out of a rollback", async () => {
    daemon.answers.rollback = { body: deployment };
    await run(["rollback", "shop", "2", "--no-hooks"], { BLOOM_API: daemon.url });
    expect(daemon.calls[0]?.body).toEqual({ version: 2, hooks: false });
  });
});

test("what the project's files are warned of is said once, not again by the daemon", async () => {
  await site.write(".platform.app.yaml", "type: rust:1\nzzzz: {}\n");
  const message = ".platform.app.yaml:2:1 warning: zzzz: unknown key, it has no effect; remove it";
  site.answerEvents(
    [
      { type: "warning", message },
      { type: "warning", message: "the mount /data hides files" },
    ],
    live,
  );
  const { stderr } = await deploy();
  expect(stderr.split(message)).toHaveLength(2);
  expect(stderr).toContain("warning: the mount /data hides files");
});

test("a redeploy shows the same as a deploy", async () => {
  daemon.answers.redeploy = { body: deployment };
  site.answerEvents([phase("start"), phase("post_deploy_hook")], live);
  const argv = ["redeploy", "acme:shop", "-e", "staging", "--strategy", "rolling"];
  const { code, stdout, stderr } = await run(argv, { BLOOM_API: daemon.url });
  expect([code, stdout]).toEqual([0, `version 4 is live at ${live.url}\n`]);
  expect(stderr).toContain("done: post_deploy hook");
  expect(daemon.calls[0]).toMatchObject({
    route: "redeploy",
    params: { org: "acme", app: "shop", environment: "staging" },
    body: { strategy: "rolling" },
  });
});

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RouteName } from "@bloomery/contract";
import { app, deployment, environment, failed, live, phase } from "./documents.js";
import { run, startFakeDaemon, type Answer, type FakeDaemon } from "./fake-daemon.js";

let daemon: FakeDaemon;
let root: string;
beforeEach(async () => {
  daemon = await startFakeDaemon();
  root = await mkdtemp(join(tmpdir(), "bloom-interrupt-"));
  await writeFile(join(root, "Cargo.toml"), '[package]\nname = "shop"\nversion = "0.1.0"\n');
  await mkdir(join(root, "src"));
  await writeFile(join(root, "src", "main.rs"), "fn main() {}\n");
  daemon.answers.planUpload = { body: { tree: "a".repeat(64), missing: [] } };
  daemon.answers.createDeployment = { body: deployment };
  daemon.answers.cancelDeployment = { body: { ok: true } };
});
afterEach(async () => {
  await daemon.close();
  await rm(root, { recursive: true });
});

const start = (...argv: string[]): ReturnType<typeof run> =>
  run(argv, { BLOOM_API: daemon.url, XDG_CACHE_HOME: join(root, "cache") }, root);

/** Ctrl-C as soon as the daemon is asked for this; the answer comes after it. */
function interruptAt(route: RouteName, answer: () => Answer | Promise<Answer>): void {
  daemon.answers[route] = () => {
    process.emit("SIGINT");
    return answer();
  };
}

const never = (): Promise<Answer> => new Promise(() => undefined);

describe("Ctrl-C during a deploy", () => {
  test.each(["planUpload", "uploadBlobs"] as const)("at %s: nothing is deployed", async (route) => {
    daemon.answers.planUpload = {
      body: {
        tree: "a".repeat(64),
        missing: ["536e506bb90914c243a12b397b9a998f85ae2cbd9ba02dfd03a9e155ca5ca0f4"],
      },
    };
    interruptAt(route, never);
    const { code, stderr } = await start("deploy");
    expect([code, stderr]).toEqual([130, expect.stringContaining("before anything was deployed")]);
    expect(daemon.count("createDeployment")).toBe(0);
  });

  test("while the deployment is being made: it is cancelled all the same", async () => {
    interruptAt("createDeployment", () => ({ body: deployment }));
    daemon.answers.watchDeployment = {
      lines: [{ type: "finished", deployment: failed("ERR_BUILD_CANCELLED", "cancelled") }],
    };
    const { code, stderr } = await start("deploy");
    expect([code, stderr]).toEqual([130, expect.stringContaining(`${deployment.id} was cancelled`)]);
    expect(daemon.count("cancelDeployment")).toBe(1);
  });

  test("while it builds: it is cancelled, and its end is waited for", async () => {
    let cancelled: () => void;
    const isCancelled = new Promise<void>((resolve) => (cancelled = resolve));
    daemon.answers.cancelDeployment = () => {
      cancelled();
      return { body: { ok: true } };
    };
    interruptAt("watchDeployment", async () => {
      await isCancelled;
      const end = failed("ERR_BUILD_CANCELLED", "cancelled");
      return { lines: [phase("compile"), { type: "finished", deployment: end }] };
    });
    const { code, stdout } = await start("deploy", "--json");
    expect([code, JSON.parse(stdout)]).toMatchObject([130, { error: { code: "ERR_INTERRUPTED" } }]);
  });

  test("too late: it is live, and that is said with 0", async () => {
    interruptAt("watchDeployment", () => ({
      lines: [phase("drain"), { type: "finished", deployment: live }],
    }));
    const { code, stdout, stderr } = await start("deploy");
    expect([code, stdout]).toEqual([0, `${live.url}\n`]);
    expect(stderr).toContain("live already");
  });

  test("while waiting for the lock", async () => {
    interruptAt("createDeployment", () => ({
      status: 409,
      body: { error: { code: "ERR_DEPLOY_LOCKED", message: "ann deploys" } },
    }));
    expect((await start("deploy", "--wait")).code).toBe(130);
    expect(daemon.count("createDeployment")).toBe(1);
  });
});

test("Ctrl-C while an answer is waited for ends the waiting", async () => {
  interruptAt("listApps", never);
  expect((await start("apps")).code).toBe(130);
});

test("Ctrl-C during a restart says that the daemon goes on", async () => {
  interruptAt("restartEnvironment", never);
  const { code, stderr } = await start("restart", "shop");
  expect([code, stderr]).toEqual([130, expect.stringContaining("the daemon goes on")]);
});

test("a rollback is cancelled like a deploy", async () => {
  interruptAt("rollback", () => ({ body: deployment }));
  daemon.answers.watchDeployment = {
    lines: [{ type: "finished", deployment: failed("ERR_BUILD_CANCELLED", "cancelled") }],
  };
  expect((await start("rollback", "shop")).code).toBe(130);
  expect(daemon.count("cancelDeployment")).toBe(1);
});

test("no interrupt is left listening", async () => {
  const before = process.listenerCount("SIGINT");
  daemon.answers.getApp = { body: { ...app, environments: [environment] } };
  await start("url", "shop");
  expect(process.listenerCount("SIGINT")).toBe(before);
});

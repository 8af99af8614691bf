import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startLoad } from "./lib/load.js";
import { ask, eventually, findFreePort } from "./lib/platform.js";
import { answeringApp, crateFiles, makeProject } from "./lib/project.js";
import { useShop } from "./lib/shop.js";

const shop = useShop();

describe("kill -9 under load", () => {
  test("of the app: it is back within moments", async () => {
    const [before] = (await shop.ps()).instances;
    const load = startLoad(shop.platform().httpPort, shop.host, { clients: 4 });
    process.kill(before?.pid ?? 0, "SIGKILL");
    await eventually(
      "a restart",
      shop.ps,
      ({ instances }) => instances[0]?.state === "ready" && (instances[0]?.restarts ?? 0) > 0,
    );
    const count = load.count();
    await eventually(
      "answers",
      async () => load.count(),
      (now) => now > count + 20,
    );
    const { requests } = await load.stop();
    expect(requests).toBeGreaterThan(20);
  });

  test("of the shim: another instance takes its place", async () => {
    const [before] = (await shop.ps()).instances;
    const state = JSON.parse(
      await readFile(join(shop.platform().home, "instances", before?.id ?? "", "state.json"), "utf8"),
    ) as { shim_pid: number };
    const load = startLoad(shop.platform().httpPort, shop.host, { clients: 4 });
    process.kill(state.shim_pid, "SIGKILL");
    await eventually(
      "a new instance",
      shop.ps,
      ({ instances }) => instances[0]?.state === "ready" && instances[0]?.id !== before?.id,
    );
    await eventually(
      "the app's end",
      async () => isAlive(before?.pid ?? 0),
      (alive) => !alive,
    );
    expect((await load.stop()).requests).toBeGreaterThan(0);
  });

  test("of nginx: it is started again by itself", async () => {
    const status = await shop.platform().json<{ nginx: { pid: number } }>("server", "status");
    process.kill(status.nginx.pid, "SIGKILL");
    await eventually(
      "another nginx",
      () => shop.platform().json<{ nginx: { pid: number; running: boolean } }>("server", "status"),
      (now) => now.nginx.running && now.nginx.pid !== status.nginx.pid,
    );
    await eventually(
      "an answer",
      () =>
        shop
          .platform()
          .get(shop.host)
          .catch(() => undefined),
      (answer) => answer?.body === "good",
    );
    expect((await shop.platform().get(shop.host)).body).toBe("good");
  });

  test("of the daemon: not one request fails, and it finds its instances again", async () => {
    const [before] = (await shop.ps()).instances;
    const load = startLoad(shop.platform().httpPort, shop.host);
    process.kill(await shop.platform().daemonPid(), "SIGKILL");
    const count = load.count();
    await eventually(
      "traffic without a daemon",
      async () => load.count(),
      (now) => now > count + 500,
    );
    expect((await shop.platform().bloom("ps", "--json")).code).toBe(9);
    await shop.platform().start();
    const [after] = (await shop.ps()).instances;
    expect(after).toMatchObject({ id: before?.id, pid: before?.pid, state: "ready" });
    expect((await load.stop()).failures).toEqual([]);
  });

  test("none at all: a daemon that leaves its apps finds them again", async () => {
    const [before] = (await shop.ps()).instances;
    await shop.platform().bloom("server", "stop", "--keep-apps");
    expect((await shop.platform().get(shop.host)).body).toBe("good");
    await shop.platform().start();
    const [after] = (await shop.ps()).instances;
    expect(after).toMatchObject({ id: before?.id, pid: before?.pid, state: "ready" });
  });

  test("of the daemon while it deploys: the deployment is marked failed and its lock is gone", async () => {
    const slow = await makeProject({
      ...crateFiles("shop", answeringApp("good")),
      "build.rs": "fn main() { std::thread::sleep(std::time::Duration::from_secs(60)); }",
    });
    try {
      const child = shop.platform().spawnBloom("deploy", slow.dir, "-a", "shop", "--json");
      const ended = new Promise((resolve) => child.once("exit", resolve));
      await eventually("the build", shop.lastState, (state) => state === "building");
      process.kill(await shop.platform().daemonPid(), "SIGKILL");
      await ended;
      await shop.platform().start();
      expect(await shop.lastState()).toBe("failed");
      await shop.platform().json("deploy", shop.project().dir, "-a", "shop");
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
  const home = await mkdtemp(join(tmpdir(), "bloom-taken-"));
  try {
    for (const [flag, ports] of [
      ["--api-port", [String(port), String(free)]],
      ["--http-port", [String(free), String(port)]],
    ] as const) {
      const flags = ["--home", home, "--api-port", ports[0], "--http-port", ports[1]];
      const result = await shop.platform().bloom("server", "start", "--detach", ...flags);
      expect([result.code, result.stderr]).toEqual([6, expect.stringContaining("ERR_PORT_TAKEN")]);
      expect(result.stderr).toContain(String(process.pid));
      expect(result.stderr).toContain(flag);
      expect(execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })).not.toContain(home);
      expect(execFileSync("nft", ["list", "ruleset"], { encoding: "utf8" })).not.toContain(home);
    }
  } finally {
    await new Promise((resolve) => server.close(resolve));
    await rm(home, { recursive: true, force: true });
  }
});

test("a stale home lock does not keep a daemon from starting; a live one does", async () => {
  const again = await shop
    .platform()
    .bloom(
      "server",
      "start",
      "--detach",
      "--home",
      shop.platform().home,
      "--api-port",
      String(await findFreePort()),
    );
  expect([again.code, again.stderr]).toEqual([6, expect.stringContaining("ERR_DAEMON_RUNNING")]);
  process.kill(await shop.platform().daemonPid(), "SIGKILL");
  // A pid that exists but is another process: the start time tells them apart.
  await writeFile(
    join(shop.platform().home, "bloomd.lock"),
    JSON.stringify({ pid: process.pid, start: "1" }),
  );
  await shop.platform().start();
});

test("without a daemon every verb says so with exit code 9", async () => {
  const port = await findFreePort();
  const result = await shop.platform().bloom("apps", "--api", `http://127.0.0.1:${port}`, "--json");
  expect([result.code, result.stdout]).toEqual([9, expect.stringContaining("ERR_DAEMON_UNREACHABLE")]);
  await expect(ask(port, shop.host, "/")).rejects.toThrow(/ECONNREFUSED/);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

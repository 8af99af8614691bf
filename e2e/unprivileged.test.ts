import { existsSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startUnprivileged } from "./lib/disguise.js";
import { startLoad } from "./lib/load.js";
import { eventually, findFreePort, type Platform } from "./lib/platform.js";
import { classicFiles } from "./lib/prefork.js";
import { answeringApp, crateFiles, makeProject, type Project } from "./lib/project.js";
import { askOnce, labFiles, openLine } from "./lib/tcp.js";

/** Without root there are no network namespaces: the app gets a free port and a switched socket leads to it. */
describe.skipIf(process.getuid?.() !== 0)("a platform without root", () => {
  const host = "shop-local.localhost";
  let platform: Platform;
  let project: Project;

  beforeAll(async () => {
    platform = await startUnprivileged();
    project = await makeProject({
      ...crateFiles("shop", answeringApp("one")),
      // It insists on no port: PORT tells it one that is free.
      "bloom.toml": 'name = "shop"\n[run]\ngrace_seconds = 2\ndrain_seconds = 5\n',
    });
    await chmod(project.dir, 0o755);
  });
  afterAll(async () => {
    await platform.stop();
    await project.dispose();
  });

  test("says what it cannot do, and deploys all the same", async () => {
    const { sandbox } = await platform.json<{
      sandbox: { root: boolean; network: string; missing: string[] };
    }>("server", "status");
    expect(sandbox).toMatchObject({ root: false, network: "host" });
    expect(sandbox.missing.join("\n")).toMatch(/^no network of their own.*\nno limits of the network/);
    await platform.json("deploy", project.dir);
    expect(await platform.get(host)).toMatchObject({ status: 200, body: "one" });
  });

  test("refuses at once an app whose manifest limits the network, and the version before goes on", async () => {
    const text = 'name = "shop"\n[run]\ngrace_seconds = 2\ndrain_seconds = 5\n';
    await project.write("bloom.toml", `${text}network = "none"\n`);
    const { code, stdout } = await platform.bloom("deploy", project.dir, "--json");
    expect(code).toBe(2);
    expect(stdout).toContain("ERR_ISOLATION_UNAVAILABLE");
    expect(await platform.get(host)).toMatchObject({ status: 200, body: "one" });
    await project.write("bloom.toml", text);
  });

  test("switches versions under load without a failed request", async () => {
    await project.write("src/main.rs", answeringApp("two"));
    const load = startLoad(platform.httpPort, host, { clients: 4 });
    await platform.json("deploy", project.dir);
    await eventually(
      "the new version",
      () => platform.get(host),
      (answer) => answer.body === "two",
    );
    await platform.json("rollback", "shop");
    await eventually(
      "the old version",
      () => platform.get(host),
      (answer) => answer.body === "one",
    );
    const { failures, requests } = await load.stop();
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(100);
  });

  test("of two replicas one that is killed costs no GET, and of POSTs those it had", async () => {
    const ready = async () => {
      const { instances } = await platform.json<{ instances: { pid: number; state: string }[] }>(
        "ps",
        "shop",
      );
      return instances.filter(({ state }) => state === "ready");
    };
    await platform.json("scale", "shop", "web=2");
    const [clients, kills] = [2, 3];
    const gets = startLoad(platform.httpPort, host, { clients });
    const posts = startLoad(platform.httpPort, host, { clients, method: "POST" });
    for (let kill = 0; kill < kills; kill++) {
      const both = await eventually("two that run", ready, (all) => all.length === 2);
      process.kill(both[0]?.pid ?? 0, "SIGKILL");
      await eventually("its end", ready, (all) => all.every(({ pid }) => pid !== both[0]?.pid));
    }
    const [got, posted] = [await gets.stop(), await posts.stop()];
    expect(got.failures).toEqual([]);
    expect(posted.failures.length).toBeLessThanOrEqual(kills * clients);
    expect(Math.min(got.requests, posted.requests)).toBeGreaterThan(100);
    expect(await platform.json("scale", "shop", "web=default")).toMatchObject({ replicas: { web: 1 } });
  });

  test("serves prefork apps: on a socket of their own, one version after the other", async () => {
    const own = "classic-local.localhost";
    const old = await makeProject(classicFiles("Hello"));
    try {
      await chmod(old.dir, 0o755);
      await platform.json("deploy", old.dir, "-a", "classic");
      expect(await platform.get(own)).toMatchObject({ status: 200, body: "Hello", headers: { foo: "Bar" } });
      const load = startLoad(platform.httpPort, own, { clients: 4 });
      await old.write("app.rs", classicFiles("Again")["app.rs"] ?? "");
      await platform.json("deploy", old.dir, "-a", "classic");
      await eventually(
        "the new version",
        () => platform.get(own),
        (answer) => answer.body === "Again",
      );
      expect((await load.stop()).failures).toEqual([]);
      const { instances } = await platform.json<{ instances: { workers: { pid: number }[] | null }[] }>(
        "ps",
        "classic",
      );
      const pids = instances[0]?.workers?.map(({ pid }) => pid) ?? [];
      expect(pids).toHaveLength(3);
      for (const pid of pids) expect(existsSync(`/proc/${pid}`)).toBe(true);
      await platform.json("app", "delete", "classic", "--yes");
    } finally {
      await old.dispose();
    }
  });

  test("tells a tcp app who its clients are, and ends them port by port", async () => {
    const [short, long] = [await findFreePort(), await findFreePort()];
    const [own, other] = [await findFreePort(), await findFreePort()];
    const toml = `[[tcp]]\nport = ${short}\ntarget_port = ${own}\ndrain_seconds = 1\ngoodbye = "see you"
[[tcp]]\nport = ${long}\ntarget_port = ${other}\ndrain_seconds = 4\ngoodbye = "later"\nproxy_protocol = "v2"\n`;
    const listen = `127.0.0.1:${own},127.0.0.1:${other}`;
    const lab = await makeProject(await labFiles(listen, toml, { LAB_PROXY_V2: String(other) }));
    try {
      await chmod(lab.dir, 0o755);
      await platform.json("deploy", lab.dir, "-a", "lab");
      const [first, last] = [await openLine(short), await openLine(long)];
      expect(await first.ask("version")).toBe("version 1");
      expect(await last.ask("peer")).toBe(`${last.local} to 127.0.0.1:${long}`);
      await lab.write("note.txt", "another version");
      // Both would listen on the same ports: the new one starts when the old one has ended.
      const deployed = platform.json("deploy", lab.dir, "-a", "lab");
      expect(await first.next()).toBe("see you");
      expect(await first.next()).toBeUndefined();
      expect(await last.ask("version")).toBe("version 1");
      expect(await last.next()).toBe("later");
      await deployed;
      expect(await askOnce(long, "version")).toBe("version 2");
      await platform.json("app", "delete", "lab", "--yes");
    } finally {
      await lab.dispose();
    }
  });

  test("survives its daemon", async () => {
    const before = await platform.json<{ instances: { id: string }[] }>("ps");
    process.kill(await platform.daemonPid(), "SIGKILL");
    expect((await platform.get(host)).status).toBe(200);
    await platform.start();
    const after = await platform.json<{ instances: { id: string; state: string }[] }>("ps");
    expect(after.instances).toMatchObject([{ id: before.instances[0]?.id, state: "ready" }]);
  });
});

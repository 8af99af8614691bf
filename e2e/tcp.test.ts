import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually, findFreePort, fixture } from "./lib/platform.js";
import type { Project } from "./lib/project.js";
import { askOnce, labFiles, openLine, useTcpLab } from "./lib/tcp.js";

const lab = useTcpLab();
const { make, deploy } = lab;

describe("a server that binds its own port", () => {
  test("is found out, with its port, and serves unchanged beside its next version", async () => {
    const port = await findFreePort();
    const project = await lab.copy("examples/tcp-echo");
    const source = await readFile(fixture("examples/tcp-echo/src/main.rs"), "utf8");
    await project.write("src/main.rs", source.replace("7878", String(port)));
    const { stdout, stderr, code } = await lab.platform().bloom("deploy", project.dir, "-a", "echo");
    expect(`${code} ${code === 0 ? "" : stderr}`).toBe("0 ");
    expect(stderr).toContain("tcp app");
    expect(stderr).toContain(`it listens on port ${port}`);
    expect(stdout.trim()).toBe(`tcp://127.0.0.1:${port}`);

    const old = await openLine(port);
    expect(await old.ask("hello")).toBe("hello");
    expect(await askOnce(port, "over IPv6", "::1")).toBe("over IPv6");
    await project.write("src/main.rs", `${source.replace("7878", String(port))}\n// another version\n`);
    const next = await deploy(project, "echo");
    expect(next).toMatchObject({ shape: "tcp", version: 2, url: `tcp://127.0.0.1:${port}` });
    expect(next.tcp).toMatchObject([{ address: `127.0.0.1:${port}`, port, targetPort: port }]);
    expect(await old.ask("still there")).toBe("still there");
    expect(await askOnce(port, "new here")).toBe("new here");
    old.close();
    await lab.platform().bloom("app", "delete", "echo", "--yes");
    await expect(openLine(port)).rejects.toThrow("ECONNREFUSED");
  });

  test("keeps clients with the version they began with, over deploys and a rollback", async () => {
    const port = await findFreePort();
    const toml = `[[tcp]]\nport = ${port}\ntarget_port = 7000\ndrain_seconds = 60\n`;
    const project = await make(await labFiles("127.0.0.1:7000", toml));
    const clients = [];
    for (const version of [1, 2, 3]) {
      await project.write("note.txt", `version ${version}`);
      await deploy(project, "lab");
      const client = await openLine(port);
      expect(await client.ask("version")).toBe(`version ${version}`);
      clients.push(client);
    }
    await lab.platform().json("rollback", "lab", "1");
    expect(await askOnce(port, "version")).toBe("version 1");
    for (const [index, client] of clients.entries())
      expect(await client.ask("version")).toBe(`version ${index + 1}`);
    for (const client of clients) client.close();
  });

  test("has several ports, and hears of its clients where it wants to", async () => {
    const [plain, told] = [await findFreePort(), await findFreePort()];
    const toml = `[[tcp]]\nport = ${plain}\ntarget_port = 7001\n[[tcp]]\nport = ${told}\ntarget_port = 7002\nproxy_protocol = "v1"\n`;
    const project = await make(await labFiles("0.0.0.0:7001,127.0.0.1:7002", toml));
    const { tcp } = await deploy(project, "ports");
    expect(tcp.map(({ port, targetPort }) => [port, targetPort])).toEqual([
      [plain, 7001],
      [told, 7002],
    ]);
    expect(await askOnce(plain, "hello")).toBe("hello");
    const client = await openLine(told);
    expect(await client.ask("after the line of the proxy")).toMatch(
      /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+$/,
    );
    client.close();
  });

  test("says what it has to say after its client has said everything", async () => {
    const port = await findFreePort();
    const project = await make(
      await labFiles("127.0.0.1:7000", `[[tcp]]\nport = ${port}\ntarget_port = 7000\n`),
    );
    await deploy(project, "half");
    const client = await openLine(port);
    client.socket.end(`count\n${"x".repeat(1_000_000)}`);
    expect(await client.next()).toBe("1000000 bytes");
    expect(await client.next()).toBeUndefined();
  });
});

describe("what goes wrong is said, and the old version serves on", () => {
  let port: number;
  let project: Project;
  beforeAll(async () => {
    port = await findFreePort();
    project = await make(await labFiles("127.0.0.1:7000", `[[tcp]]\nport = ${port}\ntarget_port = 7000\n`));
    await deploy(project, "steady");
  });
  const change = async (listen: string, toml: string, env: Record<string, string> = {}): Promise<string> => {
    for (const [path, text] of Object.entries(await labFiles(listen, toml, env)))
      await project.write(path, text);
    const { code, stderr } = await lab.platform().bloom("deploy", project.dir, "-a", "steady");
    expect(code).not.toBe(0);
    expect(await askOnce(port, "version")).toBe("version 1");
    return stderr;
  };

  test("when it never listens", async () => {
    const toml = `[ready]\ntimeout_seconds = 2\n[[tcp]]\nport = ${port}\ntarget_port = 7000\n`;
    expect(await change("", toml)).toContain("7000");
  });

  test("when it listens elsewhere", async () => {
    const toml = `[ready]\ntimeout_seconds = 2\n[[tcp]]\nport = ${port}\ntarget_port = 7000\n`;
    const said = await change("127.0.0.1:7009", toml);
    expect(said).toContain("7009");
    expect(said).toContain("7000");
  });

  test("when its port is another app's", async () => {
    const other = await make(
      await labFiles("127.0.0.1:7000", `[[tcp]]\nport = ${port}\ntarget_port = 7000\n`),
    );
    const { code, stderr } = await lab.platform().bloom("deploy", other.dir, "-a", "thief");
    expect(code).not.toBe(0);
    expect(stderr).toContain(String(port));
    expect(stderr).toContain("steady");
    expect(await askOnce(port, "version")).toBe("version 1");
  });

  test("when its port is somebody else's on this machine", async () => {
    const taken = await findFreePort();
    const holder = createServer().listen(taken, "127.0.0.1");
    await once(holder, "listening");
    const said = await change("127.0.0.1:7000", `[[tcp]]\nport = ${taken}\ntarget_port = 7000\n`);
    expect(said).toContain(String(taken));
    holder.close();
  });

  test("and one that listens late is waited for", async () => {
    const toml = `[[tcp]]\nport = ${port}\ntarget_port = 7000\n`;
    for (const [path, text] of Object.entries(
      await labFiles("127.0.0.1:7000", toml, { LAB_DELAY_MS: "1500" }),
    ))
      await project.write(path, text);
    const { version } = await deploy(project, "steady");
    expect(await askOnce(port, "version")).toBe(`version ${version}`);
  });
});

describe("what dies", () => {
  test("an app takes its connections with it and is started again; a dead daemon costs nothing", async () => {
    const port = await findFreePort();
    const project = await make(
      await labFiles("127.0.0.1:7000", `[[tcp]]\nport = ${port}\ntarget_port = 7000\n`),
    );
    await deploy(project, "mortal");
    const client = await openLine(port);
    expect(await client.ask("before")).toBe("before");
    process.kill(await lab.platform().daemonPid(), "SIGKILL");
    expect(await client.ask("without a daemon")).toBe("without a daemon");
    expect(await askOnce(port, "new without a daemon")).toBe("new without a daemon");
    await lab.platform().start();
    expect(await client.ask("with the next one")).toBe("with the next one");
    client.socket.write("die\n");
    expect(await client.next()).toBeUndefined();
    await eventually(
      "an answer of the next process",
      () => askOnce(port, "again").catch(() => ""),
      (text) => text === "again",
    );
  });

  test("a shim takes its app with it, and another instance takes its place", async () => {
    const port = await findFreePort();
    const toml = `[[tcp]]\nport = ${port}\ntarget_port = 7000\n`;
    await deploy(await make(await labFiles("127.0.0.1:7000", toml)), "orphan");
    const client = await openLine(port);
    await client.ask("before");
    const { instances } = await lab.platform().json<{ instances: { id: string }[] }>("ps", "orphan");
    const folder = join(lab.platform().home, "instances", instances[0]?.id ?? "");
    const state = JSON.parse(await readFile(join(folder, "state.json"), "utf8")) as { shim_pid: number };
    process.kill(state.shim_pid, "SIGKILL");
    expect(await client.next()).toBeUndefined();
    // Whoever comes now waits at the door for whoever comes up.
    expect(await askOnce(port, "after")).toBe("after");
  });

  test("nginx takes the connections with it, and is back by itself", async () => {
    const port = await findFreePort();
    const toml = `[[tcp]]\nport = ${port}\ntarget_port = 7000\n`;
    await deploy(await make(await labFiles("127.0.0.1:7000", toml)), "edge");
    const client = await openLine(port);
    await client.ask("before");
    const { nginx } = await lab.platform().json<{ nginx: { pid: number } }>("server", "status");
    process.kill(nginx.pid, "SIGKILL");
    await eventually(
      "another nginx",
      () => lab.platform().json<{ nginx: { pid: number; running: boolean } }>("server", "status"),
      (now) => now.nginx.running && now.nginx.pid !== nginx.pid,
    );
    await eventually(
      "an answer",
      () => askOnce(port, "after").catch(() => ""),
      (text) => text === "after",
    );
    expect(await client.next()).toBeUndefined();
    client.close();
  });
});

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, findFreePort, fixture, startPlatform, type Platform } from "./lib/platform.js";
import { copyProject, makeProject, type Project } from "./lib/project.js";
import { askOnce, labFiles, openLine } from "./lib/tcp.js";

interface Deployed {
  readonly shape: string;
  readonly version: number;
  readonly url: string;
  readonly tcp: readonly { readonly address: string; readonly port: number; readonly targetPort: number }[];
}

let platform: Platform;
const projects: Project[] = [];

beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(async () => {
  await platform.stop();
  for (const project of projects) await project.dispose();
});

async function make(files: Readonly<Record<string, string>>): Promise<Project> {
  const project = await makeProject(files);
  projects.push(project);
  return project;
}

const deploy = (project: Project, app: string, ...flags: string[]): Promise<Deployed> =>
  platform.json<Deployed>("deploy", project.dir, "-a", app, ...flags);

describe("a server that binds its own port", () => {
  test("is found out, with its port, and serves unchanged beside its next version", async () => {
    const port = await findFreePort();
    const project = await copyProject(fixture("examples/tcp-echo"));
    projects.push(project);
    const source = await readFile(fixture("examples/tcp-echo/src/main.rs"), "utf8");
    await project.write("src/main.rs", source.replace("7878", String(port)));
    const { stdout, stderr, code } = await platform.bloom("deploy", project.dir, "-a", "echo");
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
    await platform.bloom("app", "delete", "echo", "--yes");
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
    await platform.json("rollback", "lab", "1");
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
    const { code, stderr } = await platform.bloom("deploy", project.dir, "-a", "steady");
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
    const { code, stderr } = await platform.bloom("deploy", other.dir, "-a", "thief");
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

interface Listed {
  readonly connections: readonly {
    readonly id: string;
    readonly peer: string | null;
    readonly port: number;
    readonly version: number | null;
    readonly state: string;
    readonly bytesIn: number;
    readonly bytesOut: number;
  }[];
}

const list = (app: string): Promise<Listed> => platform.json<Listed>("connections", app);

describe("who is connected", () => {
  let port: number;
  let project: Project;
  beforeAll(async () => {
    port = await findFreePort();
    const toml = `[[tcp]]\nport = ${port}\ntarget_port = 7000\ndrain_seconds = 2\ngoodbye = "see you"\n`;
    project = await make(await labFiles("127.0.0.1:7000", toml));
    await deploy(project, "room");
  });

  test("is listed with version, state and bytes, and can be sent away alone", async () => {
    const [one, two] = [await openLine(port), await openLine(port)];
    await one.ask("12345");
    await two.ask("1234567890");
    const { connections } = await eventually(
      "both connections with their bytes",
      () => list("room"),
      (found) => found.connections.length === 2 && found.connections.every(({ bytesOut }) => bytesOut > 0),
    );
    const own = connections.find(({ peer }) => peer === one.local);
    expect(own).toMatchObject({ port, version: 1, state: "open", bytesIn: 6, bytesOut: 6 });
    expect(connections.find(({ peer }) => peer === two.local)).toMatchObject({ bytesIn: 11, bytesOut: 11 });
    await platform.json("connections", "room", "--close", own?.id ?? "", "--yes");
    expect(await one.next()).toBeUndefined();
    expect(await two.ask("still here")).toBe("still here");
    const left = await list("room");
    expect(left.connections.map(({ peer }) => peer)).toEqual([two.local]);
    const { code } = await platform.bloom("connections", "room", "--close", own?.id ?? "", "--yes");
    expect(code).toBe(5);
    two.close();
  });

  test("hears a last word when its version has had its time", async () => {
    const client = await openLine(port);
    expect(await client.ask("version")).toBe("version 1");
    await project.write("note.txt", "another one");
    await deploy(project, "room");
    const draining = await list("room");
    expect(draining.connections).toMatchObject([{ peer: client.local, version: 1, state: "draining" }]);
    expect(await client.next()).toBe("see you");
    expect(await client.next()).toBeUndefined();
  });

  test("may be a person at a terminal, or a pipe", async () => {
    const [program, args] = platform.argv(["connect", "room"]);
    const piped = spawnSync(program, args, {
      env: platform.env,
      input: "hello\nversion\n",
      encoding: "utf8",
    });
    expect(piped).toMatchObject({ status: 0, stdout: "hello\nversion 2\n" });
  });
});

describe("sleep", () => {
  test("nothing runs when nobody is connected, and the first byte of the next client is not lost", async () => {
    const port = await findFreePort();
    const toml = `[run]\nmin_replicas = 0\nidle_seconds = 1\n[[tcp]]\nport = ${port}\ntarget_port = 7000\n`;
    const project = await make(await labFiles("127.0.0.1:7000", toml));
    await deploy(project, "sleeper");
    const health = async (): Promise<string> =>
      (await platform.json<{ environments: { health: string }[] }>("status", "sleeper")).environments[0]
        ?.health ?? "";
    const isAsleep = (now: string): boolean => now === "sleeping";
    const client = await openLine(port);
    await client.ask("awake");
    // A connection keeps it awake however long it says nothing.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(await health()).toBe("running");
    expect(await client.ask("still awake")).toBe("still awake");
    client.close();
    await eventually("sleep", health, isAsleep);
    expect(await askOnce(port, "good morning")).toBe("good morning");
    await eventually("sleep again", health, isAsleep);
    const many = await Promise.all(
      Array.from({ length: 50 }, (_, index) => askOnce(port, `client ${index}`)),
    );
    expect(many).toEqual(Array.from({ length: 50 }, (_, index) => `client ${index}`));
  });

  test("an app that is told to sleeps until somebody comes, also by hand", async () => {
    const port = await findFreePort();
    const project = await make(
      await labFiles("127.0.0.1:7000", `[[tcp]]\nport = ${port}\ntarget_port = 7000\n`),
    );
    await deploy(project, "told");
    await platform.json("sleep", "told");
    expect(await askOnce(port, "up")).toBe("up");
    await platform.json("sleep", "told");
    const [program, args] = platform.argv(["connect", "told"]);
    const piped = spawnSync(program, args, { env: platform.env, input: "by hand\n", encoding: "utf8" });
    expect(piped).toMatchObject({ status: 0, stdout: "by hand\n" });
  });
});

describe("clients of every kind", () => {
  let port: number;
  beforeAll(async () => {
    port = await findFreePort();
    const toml = `[limits]\npids = 5000\n[run]\nreplicas = 2\n[[tcp]]\nport = ${port}\ntarget_port = 7000\n`;
    await deploy(await make(await labFiles("0.0.0.0:7000", toml)), "busy");
  });

  test("20,000 that come and go leave nothing behind", async () => {
    for (let round = 0; round < 100; round++) {
      await Promise.all(Array.from({ length: 200 }, async () => (await openLine(port)).close()));
    }
    expect(await askOnce(port, "and one more")).toBe("and one more");
    await eventually(
      "nobody",
      () => list("busy"),
      ({ connections }) => connections.length === 0,
    );
  });

  test("one that never reads holds up nobody else", async () => {
    const greedy = await openLine(port);
    greedy.socket.pause();
    greedy.socket.write("flood 1000000000\n");
    expect(await askOnce(port, "next, please")).toBe("next, please");
    greedy.close();
  });

  test("one that says nothing, and one that has said everything, may stay", async () => {
    const [silent, half] = [await openLine(port), await openLine(port)];
    half.socket.end("last words\n");
    expect(await half.next()).toBe("last words");
    expect(await silent.ask("still here")).toBe("still here");
    silent.close();
  });

  test("1,000 of an app that dies are told at once, and the next ones served", async () => {
    const clients = await Promise.all(Array.from({ length: 1000 }, () => openLine(port)));
    const ends = clients.map((client) => once(client.socket, "close"));
    for (const client of clients) client.socket.resume();
    // Of two replicas each has its share of them.
    for (const client of clients.slice(0, 40)) client.socket.write("die\n");
    await Promise.all(clients.map((client) => once(client.socket, "end").catch(() => undefined)));
    for (const client of clients) client.close();
    await Promise.all(ends);
    await eventually(
      "an answer",
      () => askOnce(port, "again").catch(() => ""),
      (text) => text === "again",
    );
  });
});

describe("what dies", () => {
  test("an app takes its connections with it and is started again; a dead daemon and shim cost nothing", async () => {
    const port = await findFreePort();
    const project = await make(
      await labFiles("127.0.0.1:7000", `[[tcp]]\nport = ${port}\ntarget_port = 7000\n`),
    );
    await deploy(project, "mortal");
    const client = await openLine(port);
    expect(await client.ask("before")).toBe("before");
    process.kill(await platform.daemonPid(), "SIGKILL");
    expect(await client.ask("without a daemon")).toBe("without a daemon");
    expect(await askOnce(port, "new without a daemon")).toBe("new without a daemon");
    await platform.start();
    expect(await client.ask("with the next one")).toBe("with the next one");
    client.socket.write("die\n");
    expect(await client.next()).toBeUndefined();
    await eventually(
      "an answer of the next process",
      () => askOnce(port, "again").catch(() => ""),
      (text) => text === "again",
    );
  });
});

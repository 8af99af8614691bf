import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually, findFreePort } from "./lib/platform.js";
import type { Project } from "./lib/project.js";
import { askOnce, labFiles, openLine, useTcpLab } from "./lib/tcp.js";

const lab = useTcpLab();
const { make, deploy, list } = lab;

/** A port that tells the app by v2 who comes, and what else its table says. */
const announced = (port: number, more = ""): string =>
  `[[tcp]]\nport = ${port}\ntarget_port = 7002\nproxy_protocol = "v2"\n${more}`;
const told = { LAB_PROXY_V2: "7002" };

describe("an app that is told by the PROXY protocol v2 who its clients are", () => {
  let [plain, port] = [0, 0];
  let project: Project;
  beforeAll(async () => {
    [plain, port] = [await findFreePort(), await findFreePort()];
    const toml = `[run]\nreplicas = 2\n[[tcp]]\nport = ${plain}\ntarget_port = 7001\n${announced(port)}`;
    project = await make(await labFiles("0.0.0.0:7001,127.0.0.1:7002", toml, told));
    await deploy(project, "told");
  });

  test("knows each of them, of IPv4 and of IPv6, and is not told where it did not ask", async () => {
    const [four, six] = [await openLine(port), await openLine(port, "::1")];
    expect(await four.ask("peer")).toBe(`${four.local} to 127.0.0.1:${port}`);
    expect(await six.ask("peer")).toBe(`[::1]:${six.socket.localPort} to [::1]:${port}`);
    expect(await askOnce(plain, "peer")).toMatch(/^198\.1[89]\.\d+\.\d+:\d+$/);
    for (const client of [four, six]) client.close();
  });

  test("loses no byte of them in either direction, and hears of an end before it answers", async () => {
    const client = await openLine(port);
    client.socket.end(`count\n${"x".repeat(3_000_000)}`);
    expect(await client.next()).toBe("3000000 bytes");
    expect(await client.next()).toBeUndefined();
    const greedy = await openLine(port);
    let bytes = 0;
    greedy.socket.on("data", (data: Buffer) => void (bytes += data.length));
    greedy.socket.end("flood 20000000\n");
    await once(greedy.socket, "close");
    expect(bytes).toBe(20_000_000);
  });

  test("serves others while one never reads", async () => {
    const deaf = await openLine(port);
    deaf.socket.pause();
    deaf.socket.write("flood 1000000000\n");
    expect(await askOnce(port, "next, please")).toBe("next, please");
    deaf.close();
    await eventually(
      "its end",
      () => list("told"),
      ({ connections }) => connections.length === 0,
    );
  });

  test("has them listed with their port and bytes, and each can be sent away", async () => {
    const client = await openLine(port);
    await client.ask("12345");
    const [own] = (
      await eventually(
        "its connection",
        () => list("told"),
        ({ connections }) => connections[0]?.bytesOut === 6,
      )
    ).connections;
    expect(own).toMatchObject({ peer: client.local, port, version: 1, state: "open", bytesIn: 6 });
    await lab.platform().json("connections", "told", "--close", own?.id ?? "", "--yes");
    expect(await client.next()).toBeUndefined();
  });

  test("is told of whoever comes by hand, too, who is listed and can be sent away like the others", async () => {
    const [program, args] = lab.platform().argv(["connect", "told", "--port", String(port)]);
    const person = spawn(program, args, { env: lab.platform().env, stdio: ["pipe", "pipe", "ignore"] });
    const ended = once(person, "exit");
    const lines = createInterface({ input: person.stdout })[Symbol.asyncIterator]();
    person.stdin.write("peer\n");
    expect((await lines.next()).value).toMatch(/^127\.0\.0\.1:\d+ to 127\.0\.0\.1:7002$/);
    const { connections } = await list("told");
    expect(connections).toMatchObject([{ port: 7002, version: 1 }]);
    await lab.platform().json("connections", "told", "--close", connections[0]?.id ?? "", "--yes");
    await ended;
  });

  test("keeps them over a deployment and without a daemon, and all are told when it dies", async () => {
    const client = await openLine(port);
    expect(await client.ask("version")).toBe("version 1");
    await project.write("note.txt", "another version");
    await deploy(project, "told");
    expect(await askOnce(port, "version")).toBe("version 2");
    process.kill(await lab.platform().daemonPid(), "SIGKILL");
    expect(await client.ask("version")).toBe("version 1");
    const second = await openLine(port);
    expect(await second.ask("peer")).toBe(`${second.local} to 127.0.0.1:${port}`);
    await lab.platform().start();
    expect(await client.ask("still here")).toBe("still here");
    expect((await list("told")).connections).toMatchObject([
      { peer: client.local, version: 1, state: "draining" },
      { peer: second.local, version: 2, state: "open" },
    ]);
    second.socket.write("die\n");
    expect(await second.next()).toBeUndefined();
    // Who comes while it is started again goes to the other replica, or waits.
    for (let round = 0; round < 20; round++) expect(await askOnce(port, "again")).toBe("again");
    client.close();
  });
});

test("a client who wakes an app is announced like the next one", async () => {
  const port = await findFreePort();
  const toml = `[run]\nmin_replicas = 0\nidle_seconds = 1\n${announced(port)}`;
  await deploy(await make(await labFiles("127.0.0.1:7002", toml, told)), "sleeper");
  const health = (): Promise<string> => lab.health("sleeper");
  const awake = await openLine(port);
  await awake.ask("awake");
  // A connection keeps it awake however long it says nothing.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  expect(await health()).toBe("running");
  awake.close();
  await eventually("sleep", health, (now) => now === "sleeping");
  const clients = await Promise.all(Array.from({ length: 20 }, () => openLine(port)));
  for (const client of clients) {
    expect(await client.ask("peer")).toBe(`${client.local} to 127.0.0.1:${port}`);
  }
  for (const client of clients) client.close();
});

test("an app may change from v1 to v2 while its clients stay", async () => {
  const port = await findFreePort();
  const toml = announced(port).replace("v2", "v1");
  const project = await make(await labFiles("127.0.0.1:7002", toml, { LAB_PROXY: "1" }));
  await deploy(project, "changing");
  const first = await openLine(port);
  const line = `PROXY TCP4 127.0.0.1 127.0.0.1 ${first.socket.localPort} ${port}`;
  expect(await first.ask("peer")).toBe(line);
  for (const [path, text] of Object.entries(await labFiles("127.0.0.1:7002", announced(port), told)))
    await project.write(path, text);
  await deploy(project, "changing");
  const second = await openLine(port);
  expect(await second.ask("peer")).toBe(`${second.local} to 127.0.0.1:${port}`);
  expect(await first.ask("peer")).toBe(line);
  for (const client of [first, second]) client.close();
});

test("on the machine's own network, too, where nginx finds the relay by a socket", async () => {
  const [port, target] = [await findFreePort(), await findFreePort()];
  const toml = `[run]\nnetwork = "host"\n${announced(port).replace("7002", String(target))}`;
  const files = (note: string): Promise<Record<string, string>> =>
    labFiles(`127.0.0.1:${target}`, toml, { LAB_PROXY_V2: String(target), NOTE: note });
  const project = await make(await files("one"));
  await deploy(project, "host");
  for (const version of [1, 2]) {
    const client = await openLine(port);
    expect(await client.ask("peer")).toBe(`${client.local} to 127.0.0.1:${port}`);
    expect(await client.ask("version")).toBe(`version ${version}`);
    expect((await list("host")).connections).toMatchObject([{ peer: client.local, port, version }]);
    client.close();
    if (version === 2) break;
    for (const [path, text] of Object.entries(await files("two"))) await project.write(path, text);
    await deploy(project, "host");
  }
});

test("each port has its own time to drain, and its own goodbye", async () => {
  const [short, long] = [await findFreePort(), await findFreePort()];
  const toml = `[[tcp]]\nport = ${short}\ntarget_port = 7001\ndrain_seconds = 1\ngoodbye = "see you"\n${announced(long, 'drain_seconds = 60\ngoodbye = "later"\n')}`;
  const project = await make(await labFiles("127.0.0.1:7001,127.0.0.1:7002", toml, told));
  await deploy(project, "patient");
  const [first, last] = [await openLine(short), await openLine(long)];
  for (const client of [first, last]) expect(await client.ask("version")).toBe("version 1");
  await project.write("note.txt", "another version");
  await deploy(project, "patient");
  expect(await first.next()).toBe("see you");
  expect(await first.next()).toBeUndefined();
  // Longer than the goodbye leaves to go.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  expect(await last.ask("version")).toBe("version 1");
  expect((await list("patient")).connections).toMatchObject([
    { peer: last.local, version: 1, state: "draining" },
  ]);
  last.close();
  first.close();
  await eventually(
    "the end of the old version",
    () => lab.platform().json<{ instances: readonly unknown[] }>("ps", "patient"),
    ({ instances }) => instances.length === 1,
  );
});

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually, findFreePort } from "./lib/platform.js";
import type { Project } from "./lib/project.js";
import { askOnce, labFiles, openLine, useTcpLab } from "./lib/tcp.js";

const lab = useTcpLab();
const { make, deploy, list } = lab;

describe("who is connected", () => {
  let port: number;
  let project: Project;
  beforeAll(async () => {
    port = await findFreePort();
    const toml = `[[tcp]]\nport = ${port}\ntarget_port = 7000\ndrain_seconds = 5\ngoodbye = "see you"\n`;
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
    await lab.platform().json("connections", "room", "--close", own?.id ?? "", "--yes");
    expect(await one.next()).toBeUndefined();
    expect(await two.ask("still here")).toBe("still here");
    const left = await list("room");
    expect(left.connections.map(({ peer }) => peer)).toEqual([two.local]);
    const { code } = await lab.platform().bloom("connections", "room", "--close", own?.id ?? "", "--yes");
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
    const [program, args] = lab.platform().argv(["connect", "room"]);
    const piped = spawnSync(program, args, {
      env: lab.platform().env,
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
    const health = (): Promise<string> => lab.health("sleeper");
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
    await lab.platform().json("sleep", "told");
    expect(await askOnce(port, "up")).toBe("up");
    await lab.platform().json("sleep", "told");
    const [program, args] = lab.platform().argv(["connect", "told"]);
    const piped = spawnSync(program, args, { env: lab.platform().env, input: "by hand\n", encoding: "utf8" });
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
    // Who has an answer is not on the way to the next process any more.
    await Promise.all(clients.map((client) => client.ask("here")));
    const ends = clients.map((client) => once(client.socket, "close"));
    for (const client of clients) client.socket.resume();
    // Of two replicas each has its share of them.
    for (const client of clients.slice(0, 40)) client.socket.write("die\n");
    await Promise.all(clients.map((client) => once(client.socket, "end").catch(() => undefined)));
    for (const client of clients) client.close();
    expect(await Promise.all(ends)).toHaveLength(1000);
    await eventually(
      "an answer",
      () => askOnce(port, "again").catch(() => ""),
      (text) => text === "again",
    );
  });
});

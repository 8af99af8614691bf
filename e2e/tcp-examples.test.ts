import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { findFreePort, fixture } from "./lib/platform.js";
import type { Project } from "./lib/project.js";
import { labFiles, openLine, useTcpLab, type Line } from "./lib/tcp.js";

const lab = useTcpLab();
const { make, deploy } = lab;

describe("the example tcp-chat", () => {
  let port: number;
  let project: Project;
  beforeAll(async () => {
    port = await findFreePort();
    project = await lab.copy("examples/tcp-chat");
    const manifest = await readFile(fixture("examples/tcp-chat/bloom.toml"), "utf8");
    const own = manifest
      .replace("port = 7879", `port = ${port}\ntarget_port = 7879`)
      .replace("drain_seconds = 60", "drain_seconds = 4");
    await project.write("bloom.toml", own);
    await deploy(project, "chat");
  });

  const enter = async (name: string, version: number, present: string): Promise<Line> => {
    const visitor = await openLine(port);
    expect(await visitor.next()).toBe(`* Room of version ${version}. What is your name?`);
    expect(await visitor.ask(name)).toBe(`* Welcome, ${name}. Here: ${present}`);
    return visitor;
  };

  test("people hear each other; a new version opens a room of its own, and the old one closes with a word", async () => {
    const ada = await enter("ada", 1, "nobody else");
    const bob = await enter("bob", 1, "ada");
    expect(await ada.next()).toBe("* bob is here");
    bob.socket.write("hello\n");
    expect(await ada.next()).toBe("bob: hello");

    await project.write("note.txt", "another version");
    await deploy(project, "chat");
    const cy = await enter("cy", 2, "nobody else");
    // Those in the old room talk on among themselves.
    ada.socket.write("still here?\n");
    expect(await bob.next()).toBe("ada: still here?");
    const goodbye = "* This room is closing: a newer version is open. Come back in a moment.";
    for (const one of [ada, bob]) {
      expect(await one.next()).toBe(goodbye);
      expect(await one.next()).toBeUndefined();
    }
    const again = await enter("ada", 2, "cy");
    expect(await cy.next()).toBe("* ada is here");
    for (const one of [cy, again]) one.close();
  });
});

describe("bloom connect", () => {
  beforeAll(async () => {
    const [one, two] = [await findFreePort(), await findFreePort()];
    const toml = `[[tcp]]\nport = ${one}\ntarget_port = 7001\n[[tcp]]\nport = ${two}\ntarget_port = 7002\n`;
    await deploy(await make(await labFiles("127.0.0.1:7001,127.0.0.1:7002", toml)), "pair");
  });

  test.each([
    [["nobody"], 5, "there is no app nobody"],
    [["pair"], 2, "Choose one with --port"],
    [["pair", "--port", "9"], 2, "does not listen on port 9"],
    [["pair", "--port", "x"], 2, "a number from 1 to 65535"],
    [["pair", "-e", "next"], 5, "It has main"],
  ])("%j ends with %i and says: %s", async (words, code, said) => {
    const result = await lab.platform().bloom("connect", ...words);
    expect([result.code, result.stderr]).toEqual([code, expect.stringContaining(said)]);
  });

  test("an app that is stopped is said to be, and how it is started; nobody is connected then", async () => {
    await lab.platform().json("stop", "pair", "--yes");
    const { code, stderr } = await lab.platform().bloom("connect", "pair", "--port", "7001");
    expect([code, stderr]).toEqual([1, expect.stringContaining("`bloom start pair`")]);
    expect(await lab.platform().json("connections", "pair")).toMatchObject({ connections: [] });
    const unknown = await lab.platform().bloom("connections", "pair", "--close", "1-2", "--yes");
    expect([unknown.code, unknown.stderr]).toEqual([5, expect.stringContaining("no open connection 1-2")]);
  });
});

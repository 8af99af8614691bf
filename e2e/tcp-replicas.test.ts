import { existsSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import type { EnvironmentView, InstanceView } from "@bloomery/contract";
import { eventually, findFreePort } from "./lib/platform.js";
import type { Project } from "./lib/project.js";
import { askOnce, labFiles, openLine, useTcpLab, type Line } from "./lib/tcp.js";

const lab = useTcpLab();
const { make, deploy } = lab;

describe("replicas of a tcp app", () => {
  let port: number;
  let project: Project;
  beforeAll(async () => {
    port = await findFreePort();
    const toml = `[[tcp]]\nport = ${port}\ntarget_port = 7000\ndrain_seconds = 60\n`;
    project = await make(await labFiles("127.0.0.1:7000", toml));
    await deploy(project, "many");
  });

  const ready = async (): Promise<readonly InstanceView[]> =>
    (await lab.platform().json<{ instances: InstanceView[] }>("ps", "many")).instances.filter(
      ({ state }) => state === "ready",
    );
  const scale = async (count: number): Promise<void> => {
    const view = await lab.platform().json<EnvironmentView>("scale", "many", `web=${count}`);
    expect(view.instances).toEqual({ ready: count, wanted: count });
  };
  /** Of clients that stay, how many each instance has. */
  const spread = async (clients: readonly Line[]): Promise<readonly number[]> => {
    const { connections } = await eventually(
      "all that are connected",
      () => lab.platform().json<{ connections: { instance: string | null }[] }>("connections", "many"),
      (found) => found.connections.length === clients.length,
    );
    const ids = connections.map(({ instance }) => instance);
    return [...new Set(ids)].map((id) => ids.filter((one) => one === id).length);
  };

  test("have their share of the connections, those that come have it, and those that go keep theirs", async () => {
    await scale(3);
    const clients = await Promise.all(Array.from({ length: 30 }, () => openLine(port)));
    for (const [index, client] of clients.entries()) expect(await client.ask(`${index}`)).toBe(`${index}`);
    expect(await spread(clients)).toEqual([10, 10, 10]);
    await scale(1);
    for (const [index, client] of clients.entries()) expect(await client.ask(`${index}`)).toBe(`${index}`);
    expect(await askOnce(port, "to the one that is left")).toBe("to the one that is left");
    for (const client of clients) client.close();
  });

  test("one that is killed takes its own connections, and everybody who comes then is served", async () => {
    await scale(3);
    const clients = await Promise.all(Array.from({ length: 30 }, () => openLine(port)));
    for (const client of clients) await client.ask("here");
    const pid = (await ready())[1]?.pid ?? 0;
    process.kill(pid, "SIGKILL");
    await eventually(
      "its end",
      async () => existsSync(`/proc/${pid}`),
      (isThere) => !isThere,
    );
    const asked = Array.from({ length: 200 }, (_, index) => askOnce(port, `new ${index}`));
    expect(await Promise.all(asked)).toEqual(asked.map((_, index) => `new ${index}`));
    const alive = await Promise.all(clients.map((client) => client.ask("still").catch(() => undefined)));
    expect(alive.filter((word) => word === "still")).toHaveLength(20);
    for (const client of clients) client.close();
    await eventually("its return", ready, (all) => all.length === 3);
  });

  test("are replaced by a new version without a connection refused or cut", async () => {
    const client = await openLine(port);
    expect(await client.ask("version")).toBe("version 1");
    await project.write("note.txt", "another version");
    let isDone = false;
    const seen = new Set<string>();
    const come = (async () => {
      while (!isDone) seen.add(await askOnce(port, "version"));
    })();
    await deploy(project, "many");
    isDone = true;
    await come;
    expect([...seen].every((word) => /^version [12]$/.test(word))).toBe(true);
    const now = await Promise.all(Array.from({ length: 12 }, () => askOnce(port, "version")));
    expect(new Set(now)).toEqual(new Set(["version 2"]));
    expect(await client.ask("version")).toBe("version 1");
    client.close();
  });
});

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLoad } from "./lib/load.js";
import { eventually, fixture, startPlatform, type Platform } from "./lib/platform.js";
import { copyProject, type Project } from "./lib/project.js";

interface Deployed {
  readonly app: string;
  readonly version: number;
  readonly url: string;
  readonly reused: boolean;
  readonly timings: { readonly totalMs: number };
}

/** The story of one app, from its first deploy to its deletion: every step builds on the one before. */
describe("a web app", () => {
  let platform: Platform;
  let project: Project;
  const host = "greeter-local.localhost";

  beforeAll(async () => {
    platform = await startPlatform();
    // Its manifest has a build hook and no idea of PORT: it listens on 8888, closes after each answer, and
    // answers nothing but `/`.
    project = await copyProject(fixture("fixtures/apps/fixed-port"));
  });
  afterAll(async () => {
    await platform.stop();
    await project.dispose();
  });

  test("goes live from source", async () => {
    const result = await platform.json<Deployed>("deploy", project.dir, "-a", "greeter");
    expect(result).toMatchObject({ app: "greeter", version: 1, url: `http://${host}:${platform.httpPort}/` });
    const answer = await platform.get(host);
    expect(answer.status).toBe(200);
    expect(answer.body).toContain("Greetings, one");
  });

  test("sends nothing for other paths: 502 for that request, and the next one is served", async () => {
    expect((await platform.get(host, "/elsewhere")).status).toBe(502);
    expect((await platform.get(host)).status).toBe(200);
  });

  test("no host name of ours: a page that says so", async () => {
    const answer = await platform.get("nobody-local.localhost");
    expect(answer.status).toBe(404);
    expect(answer.body).toMatch(/no app/i);
  });

  test("an unchanged source is not built again and changes nothing that runs", async () => {
    const before = await platform.json<{ instances: { id: string }[] }>("ps", "greeter");
    const result = await platform.json<Deployed>("deploy", project.dir, "-a", "greeter");
    expect(result).toMatchObject({ version: 1, reused: true });
    const after = await platform.json<{ instances: { id: string }[] }>("ps", "greeter");
    expect(after.instances.map((one) => one.id)).toEqual(before.instances.map((one) => one.id));
  });

  test("a changed source becomes version 2 without a failed request", async () => {
    await project.write("index.html", "<h1>Greetings, two</h1>\n");
    const load = startLoad(platform.httpPort, host);
    const result = await platform.json<Deployed>("deploy", project.dir, "-a", "greeter");
    expect(result.version).toBe(2);
    await eventually(
      "the new version's answer",
      () => platform.get(host),
      (answer) => answer.body.includes("two"),
    );
    const { failures, bodies } = await load.stop();
    expect(failures).toEqual([]);
    expect([...bodies.keys()].some((body) => body.includes("one"))).toBe(true);
  });

  test("rolls back without building, and forward again", async () => {
    const load = startLoad(platform.httpPort, host);
    const back = await platform.json<Deployed>("rollback", "greeter");
    expect(back).toMatchObject({ version: 1 });
    expect((await platform.get(host)).body).toContain("one");
    const forth = await platform.json<Deployed>("rollback", "greeter", "2");
    expect(forth).toMatchObject({ version: 2 });
    expect((await platform.get(host)).body).toContain("two");
    expect((await load.stop()).failures).toEqual([]);
    const nowhere = await platform.bloom("rollback", "greeter", "99", "--json");
    expect([nowhere.code, nowhere.stdout]).toEqual([5, expect.stringContaining("ERR_NOT_FOUND")]);
  });

  test("is seen by apps, status, url, versions, releases and ps", async () => {
    expect((await platform.bloom("url", "greeter")).stdout.trim()).toBe(
      `http://${host}:${platform.httpPort}/`,
    );
    const { apps } = await platform.json<{ apps: { app: string }[] }>("apps");
    expect(apps.map((one) => one.app)).toEqual(["greeter"]);
    const { versions } = await platform.json<{ versions: { number: number; liveIn: string[] }[] }>(
      "versions",
      "greeter",
    );
    expect(versions.map((one) => [one.number, one.liveIn])).toEqual([
      [2, ["main"]],
      [1, []],
    ]);
    const { releases } = await platform.json<{ releases: { version: number; live: boolean }[] }>(
      "releases",
      "greeter",
    );
    expect(releases[0]).toMatchObject({ version: 2, live: true });
    const { instances } = await platform.json<{
      instances: { pid: number; state: string; version: number }[];
    }>("ps");
    expect(instances).toMatchObject([{ state: "ready", version: 2 }]);
    // The pid is the user's own process, not the sandbox around it.
    const pid = instances[0]?.pid ?? 0;
    expect((await readFile(`/proc/${pid}/comm`, "utf8")).trim()).toBe("greeter");
  });

  test("shows its output, old and new", async () => {
    const { stdout } = await platform.bloom("logs", "greeter", "--json");
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { text: string; stream: string; version: number });
    expect(lines).toContainEqual(
      expect.objectContaining({ stream: "stdout", text: "listening on 8888", version: 1 }),
    );
    const follow = platform.spawnBloom("logs", "greeter", "-f", "--json");
    let seen = "";
    follow.stdout?.setEncoding("utf8").on("data", (chunk: string) => (seen += chunk));
    await eventually(
      "the first lines",
      async () => seen,
      (text) => text.includes("listening on 8888"),
    );
    const before = seen.length;
    await platform.json("restart", "greeter");
    await eventually(
      "the new instance's line",
      async () => seen.slice(before),
      (text) => text.includes("listening on 8888"),
    );
    const ended = new Promise((resolve) => follow.once("exit", resolve));
    follow.kill("SIGINT");
    await ended;
  });

  test("variables reach the process, sensitive ones never come back", async () => {
    await platform.json("env", "set", "greeter", "MOOD=sunny");
    await eventually(
      "the variable",
      () => platform.get(host),
      (answer) => answer.body.includes("sunny"),
    );
    const { variables } = await platform.json<{ variables: object[] }>("env", "list", "greeter");
    expect(variables).toContainEqual(expect.objectContaining({ name: "MOOD", value: "sunny" }));
    await platform.json("env", "unset", "greeter", "MOOD");
    await eventually(
      "its absence",
      () => platform.get(host),
      (answer) => !answer.body.includes("sunny"),
    );
  });

  test("scales, stops, starts", async () => {
    await platform.json("scale", "greeter", "web=2");
    const ps = (): Promise<{ instances: { state: string }[] }> => platform.json("ps", "greeter");
    await eventually(
      "two ready instances",
      ps,
      ({ instances }) => instances.filter((one) => one.state === "ready").length === 2,
    );
    await platform.json("scale", "greeter", "web=1");
    await eventually("one instance", ps, ({ instances }) => instances.length === 1);
    await platform.json("stop", "greeter", "--yes");
    expect((await platform.get(host)).status).toBe(503);
    await platform.json("start", "greeter");
    expect((await platform.get(host)).status).toBe(200);
  });

  test("every change left an activity", async () => {
    const { activities } = await platform.json<{ activities: { type: string; state: string }[] }>(
      "activities",
      "greeter",
    );
    const types = new Set(activities.map((one) => one.type));
    for (const verb of ["deploy", "rollback", "variables", "restart", "scale", "stop", "start"]) {
      expect(types).toContain(`environment.${verb}`);
    }
    expect(activities.every((one) => one.state === "succeeded")).toBe(true);
  });

  test("is deleted only when asked twice, and then leaves nothing", async () => {
    const refused = await platform.bloom("app", "delete", "greeter", "--json");
    expect(refused.code).toBe(2);
    await platform.json("app", "delete", "greeter", "--yes");
    expect((await platform.get(host)).status).toBe(404);
    expect((await platform.bloom("status", "greeter")).code).toBe(5);
    expect((await platform.json<{ instances: object[] }>("ps")).instances).toEqual([]);
    await expect(readFile(join(platform.home, "build-cache", "greeter"))).rejects.toThrow();
  });
});

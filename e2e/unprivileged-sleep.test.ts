import { spawnSync } from "node:child_process";
import { chmod } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startUnprivileged } from "./lib/disguise.js";
import { eventually, findFreePort, type Platform } from "./lib/platform.js";
import { crateFiles as preforkFiles } from "./lib/prefork.js";
import { answeringApp, crateFiles, makeProject, type Project } from "./lib/project.js";
import { askOnce, labFiles, openLine } from "./lib/tcp.js";

/** The same platform without root: one network for all, apps behind sockets that are switched, a door before each. */
describe.skipIf(process.getuid?.() !== 0)("without root", () => {
  let platform: Platform;
  const projects: Project[] = [];
  beforeAll(async () => {
    platform = await startUnprivileged();
  });
  afterAll(async () => {
    await platform.stop();
    for (const project of projects) await project.dispose();
  });
  const make = async (files: Readonly<Record<string, string>>): Promise<Project> => {
    const project = await makeProject(files);
    projects.push(project);
    await chmod(project.dir, 0o755);
    return project;
  };
  const healthOf = async (app: string): Promise<string> =>
    (await platform.json<{ environments: { health: string }[] }>("status", app)).environments[0]?.health ??
    "";
  const untilAsleep = (app: string): Promise<unknown> =>
    eventually(
      `the sleep of ${app}`,
      () => healthOf(app),
      (health) => health === "sleeping",
    );
  const ask = (app: string, method = "GET") => platform.get(`${app}-local.localhost`, "/", { method });

  const manifest = "[run]\nmin_replicas = 0\nidle_seconds = 1\n";
  test.each([
    ["web", () => crateFiles("nap", answeringApp("good"))],
    ["prefork", () => preforkFiles("good")],
  ])(
    "an app of the shape %s sleeps, by itself and when it is told to, and wakes for whoever comes",
    async (app, files) => {
      const project = await make({ ...files(), "bloom.toml": manifest });
      await platform.json("deploy", project.dir, "-a", app);
      await untilAsleep(app);
      expect(await ask(app, "POST")).toMatchObject({ status: 200, body: "good" });
      await platform.json("sleep", app);
      const crowd = await Promise.all(Array.from({ length: 10 }, () => ask(app)));
      expect(crowd.map(({ status, body }) => [status, body])).toEqual(crowd.map(() => [200, "good"]));
    },
  );

  test("a tcp app is replaced by its next version, stop and start, and sleeps where its ports are led to it", async () => {
    const [port, own] = [await findFreePort(), await findFreePort()];
    const toml = `[[tcp]]\nport = ${port}\ntarget_port = ${own}\n[run]\nmin_replicas = 0\nidle_seconds = 2\ndrain_seconds = 1\n`;
    const project = await make(await labFiles(`127.0.0.1:${own}`, toml));
    await platform.json("deploy", project.dir, "-a", "led");
    const client = await openLine(port);
    expect(await client.ask("version")).toBe("version 1");
    await project.write("note.txt", "another version");
    const deploying = platform.json("deploy", project.dir, "-a", "led");
    expect(await client.next()).toBeUndefined();
    // Between the two nobody is sent away.
    expect(await askOnce(port, "version")).toBe("version 2");
    await deploying;
    await untilAsleep("led");
    const crowd = await Promise.all(
      Array.from({ length: 20 }, (_, index) => askOnce(port, `client ${index}`)),
    );
    expect(crowd).toEqual(crowd.map((_, index) => `client ${index}`));
    await platform.json("sleep", "led");
    const [program, args] = platform.argv(["connect", "led"]);
    const piped = spawnSync(program, args, { env: platform.env, input: "by hand\n", encoding: "utf8" });
    expect(piped).toMatchObject({ status: 0, stdout: "by hand\n" });
  });

  test("one that listens on the machine's own port serves, cannot be put to sleep, and says so", async () => {
    const port = await findFreePort();
    const ports = `[[tcp]]\nport = ${port}\n`;
    const project = await make(await labFiles(`127.0.0.1:${port}`, `${ports}[run]\nmin_replicas = 0\n`));
    const refused = await platform.bloom("deploy", project.dir, "-a", "own");
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("nobody stands before it")]);
    await project.write("bloom.toml", (await labFiles(`127.0.0.1:${port}`, ports))["bloom.toml"] ?? "");
    await platform.json("deploy", project.dir, "-a", "own");
    const { code, stderr } = await platform.bloom("sleep", "own");
    expect([code, stderr]).toEqual([2, expect.stringContaining("nobody stands before it")]);
    const more = await platform.bloom("scale", "own", "web=2");
    expect([more.code, more.stderr]).toEqual([6, expect.stringContaining(`cannot listen on port ${port}`)]);
    expect(await askOnce(port, "version")).toMatch(/^version \d$/);
  });

  test.each([
    ["led to it", "port = 443\ntarget_port = 7000", "port 443 on 127.0.0.1 cannot be bound"],
    ["its own", "port = 443", "the app cannot listen on port 443"],
  ])("a port that needs a right is refused when it is %s", async (_, table, words) => {
    const project = await make(await labFiles("127.0.0.1:7000", `[[tcp]]\n${table}\n`));
    const { code, stderr } = await platform.bloom("deploy", project.dir, "-a", "low");
    expect([code, stderr]).toEqual([6, expect.stringContaining(words)]);
    expect(stderr).toContain("Ports below 1024 need root");
  });
});

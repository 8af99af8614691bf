import { spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, fixture, startPlatform, type Platform } from "./lib/platform.js";
import { copyProject, makeProject, type Project } from "./lib/project.js";

/** The example a newcomer reads first, deployed and used as its README says. */
describe("examples/web-axum", () => {
  let platform: Platform;
  let project: Project;
  const host = "notes-local.localhost";

  beforeAll(async () => {
    platform = await startPlatform();
    project = await copyProject(fixture("examples/web-axum"));
    await platform.json("deploy", project.dir, "-a", "notes");
  });
  afterAll(async () => {
    await platform.stop();
    await project.dispose();
  });

  const post = (text: string): Promise<{ status: number; body: string }> =>
    platform.get(host, "/api/notes", {
      method: "POST",
      body: JSON.stringify({ author: "Ada", text }),
      headers: { "content-type": "application/json" },
    });

  test("nginx serves the front page and its files, with their headers", async () => {
    const page = await platform.get(host, "/");
    expect(page.body).toContain("<title>Notes</title>");
    expect(page.headers["cache-control"]).toMatch(/no-cache|no-store|max-age=0/);
    const style = await platform.get(host, "/style.css");
    expect(style.headers["cache-control"]).toBe("max-age=600");
    expect(style.headers["x-content-type-options"]).toBe("nosniff");
  });

  test("notes are kept across a deploy", async () => {
    expect((await post("before")).status).toBe(201);
    await project.write("public/extra.txt", "more");
    await platform.json("deploy", project.dir, "-a", "notes");
    expect((await platform.get(host, "/api/notes")).body).toContain("before");
    expect((await platform.get(host, "/extra.txt")).body).toBe("more");
  });

  test("a body over the location's limit is refused before the app sees it", async () => {
    expect((await post("x".repeat(100_000))).status).toBe(413);
  });

  test("events arrive as they happen", async () => {
    const call = request({
      port: platform.httpPort,
      host: "127.0.0.1",
      path: "/api/events",
      headers: { host, accept: "text/event-stream" },
    });
    call.end();
    const [response] = (await once(call, "response")) as [NodeJS.ReadableStream];
    const first = once(response, "data");
    await post("live");
    expect(String((await first)[0])).toContain("live");
    call.destroy();
  });

  test("bloom route tells who answers", async () => {
    const explain = (url: string, ...flags: string[]): Promise<Record<string, unknown>> =>
      platform.json("route", "notes", url, ...flags);
    expect(await explain("/style.css")).toMatchObject({ outcome: "static", location: { path: "/" } });
    expect(await explain("/api/notes?x=1")).toMatchObject({ outcome: "app", location: { path: "/api" } });
    expect(await explain("/nowhere")).toMatchObject({ outcome: "app" });
    expect(await explain("/", "--method", "POST")).toMatchObject({ outcome: "app" });
    const spoken = await platform.bloom("route", "notes", "/style.css");
    expect(spoken.stdout).toContain("public/style.css");
  });

  test("bloom exec runs inside: streams, exit codes, the app's user, standard input", async () => {
    const run = (...command: string[]): ReturnType<Platform["bloom"]> =>
      platform.bloom("exec", "notes", "--", ...command);
    expect(await run("sh", "-c", "echo out; echo err >&2; exit 7")).toEqual({
      code: 7,
      stdout: "out\n",
      stderr: expect.stringContaining("err\n") as string,
    });
    expect((await run("cat", "data/notes.ndjson")).stdout).toContain("before");
    expect((await run("id", "-u")).stdout.trim()).not.toBe("0");
    expect((await run("cat", "/etc/shadow")).code).not.toBe(0);
    expect((await run("no-such-program")).code).toBe(127);
    const piped = platform.argv(["exec", "notes", "--", "sh", "-c", "wc -c"]);
    const child = spawn(...piped, { env: platform.env, stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.end("x".repeat(100_000));
    let counted = "";
    child.stdout.on("data", (chunk: Buffer) => (counted += chunk.toString()));
    await once(child, "close");
    expect(counted.trim()).toBe("100000");
  });

  test("logs merge what the app said and what was asked of it", async () => {
    await platform.get(host, "/api/notes?seen=1");
    const merged = await eventually(
      "the request in the log",
      () => platform.bloom("logs", "notes", "--type", "all"),
      ({ stdout }) => stdout.includes("seen=1"),
    );
    expect(merged.stdout).toContain("listening on");
    expect(merged.stdout).toContain("Compiling web-axum");
    const access = await platform.bloom("log", "access", "notes", "--lines", "3");
    expect(access.stdout.trim().split("\n")).toHaveLength(3);
    expect((await platform.bloom("log", "weather", "notes")).code).toBe(2);
  });
});

describe("other ways to talk", () => {
  let platform: Platform;
  const projects: Project[] = [];
  const deploy = async (name: string): Promise<string> => {
    const project = await copyProject(fixture(`fixtures/apps/${name}`));
    projects.push(project);
    await platform.json("deploy", project.dir, "-a", name);
    return `${name}-local.localhost`;
  };

  beforeAll(async () => {
    platform = await startPlatform();
  });
  afterAll(async () => {
    await platform.stop();
    for (const project of projects) await project.dispose();
  });

  test("a web socket goes through, and a message comes back", async () => {
    const host = await deploy("websocket-echo");
    const call = request({
      port: platform.httpPort,
      host: "127.0.0.1",
      headers: {
        host,
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      },
    });
    call.end();
    const [response, socket] = (await once(call, "upgrade")) as [
      { statusCode: number },
      NodeJS.ReadWriteStream,
    ];
    expect(response.statusCode).toBe(101);
    // A text frame "hi", masked with zeros.
    socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    const [frame] = (await once(socket, "data")) as [Buffer];
    expect([...frame]).toEqual([0x81, 0x02, 0x68, 0x69]);
    call.destroy();
  });

  test("large bodies go through in both directions, and one over the limit is refused", async () => {
    const host = await deploy("big-bodies");
    const size = 20 * 1_048_576;
    const sent = await platform.get(host, "/", { method: "POST", body: "x".repeat(size) });
    expect(sent.body).toContain(`${size} bytes`);
    expect((await platform.get(host, `/bytes/${size}`)).body.length).toBe(size);
    const call = request({
      port: platform.httpPort,
      host: "127.0.0.1",
      method: "POST",
      headers: { host, "content-length": 251 * 1_048_576 },
    });
    call.on("error", () => undefined);
    call.flushHeaders();
    const [refused] = (await once(call, "response")) as [{ statusCode: number }];
    expect(refused.statusCode).toBe(413);
    call.destroy();
  });

  test("bloom init makes something that deploys, and never overwrites", async () => {
    const project = await makeProject({});
    projects.push(project);
    const init = (): ReturnType<Platform["bloom"]> =>
      new Promise((resolve) => {
        const child = spawn(...platform.argv(["init"]), { env: platform.env, cwd: project.dir });
        let text = "";
        child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
        child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
        child.on("close", (code) => resolve({ code: code ?? 1, stdout: text, stderr: text }));
      });
    expect((await init()).code).toBe(0);
    await platform.json("deploy", project.dir, "-a", "fresh");
    expect((await platform.get("fresh-local.localhost")).status).toBe(200);
    expect((await init()).code).not.toBe(0);
  });
});

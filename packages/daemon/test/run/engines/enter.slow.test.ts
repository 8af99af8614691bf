import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { CommandOrder, ToolWish } from "../../../src/run/engines/engine.js";
import {
  ask,
  cleanUp,
  finish,
  isRoot,
  openRealEngine,
  startInstance,
  startReady,
  waitFor,
} from "./real-engine.js";

afterEach(cleanUp);

const line = (text: string, change: Partial<CommandOrder> = {}): CommandOrder => ({
  command: ["/bin/sh", "-c", text],
  env: {},
  tty: null,
  ...change,
});

describe("enter", () => {
  test("runs inside: the app's files, /tmp, processes, user and environment", async () => {
    const { engine, env, makeWish } = await openRealEngine();
    env["COLOUR"] = "blue";
    const wish = await makeWish({}, { ".environment": 'echo noise\nexport SHADE="dark $COLOUR"\n' });
    const app = await startReady(engine, wish);
    await ask(app, "echo from-the-app > /tmp/note");
    const order = line('cat /tmp/note; pwd; echo "$SHADE|$PORT|$EXTRA"; cat; ls -d /app/server.pl', {
      env: { EXTRA: "more" },
    });
    const { code, stdout, stderr } = await finish(await app.enter(order), "input\n");
    expect(stdout).toBe(
      `from-the-app\n/app\ndark blue|${await ask(app, 'printf %s "$PORT"')}|more\ninput\n/app/server.pl\n`,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "noise\n" });
    const id = await finish(await app.enter(line("id -u; pgrep -f server.pl | head -1")));
    expect(id.stdout.split("\n")[0]).toBe((await ask(app, "id -u")).trim());
    expect(id.stdout.split("\n")[1]).not.toBe("");
  });

  test("passes exit codes on, and says what could not be found", async () => {
    const { engine, makeWish } = await openRealEngine();
    const app = await startReady(engine, await makeWish());
    expect((await finish(await app.enter(line("exit 3")))).code).toBe(3);
    expect((await finish(await app.enter({ ...line(""), command: ["no-such-program"] }))).code).toBe(127);
    expect((await finish(await app.enter(line("kill -TERM $$")))).code).toBe(143);
  });

  test("carries binary data unchanged, both ways, and large", async () => {
    const { engine, makeWish } = await openRealEngine();
    const app = await startReady(engine, await makeWish());
    const command = await app.enter({ command: ["sha256sum"], env: {}, tty: null });
    const bytes = Buffer.alloc(
      5_000_000,
      Uint8Array.from({ length: 256 }, (_, index) => index),
    );
    const { stdout } = await finish(command, bytes);
    const { createHash } = await import("node:crypto");
    expect(stdout).toBe(`${createHash("sha256").update(bytes).digest("hex")}  -\n`);
  });

  test("signals reach the command, and a daemon that lets go ends it", async () => {
    const { engine, makeWish, reopen } = await openRealEngine();
    const app = await startReady(engine, await makeWish());
    const command = await app.enter(
      line("trap 'echo caught; exit 9' INT; echo up; while :; do sleep 0.05; done"),
    );
    command.stdout.once("data", () => command.signal("INT"));
    expect((await command.exit).code).toBe(9);
    const left = await app.enter(line("echo $$; exec sleep 300"));
    await new Promise((resolve) => left.stdout.once("data", resolve));
    const later = await reopen();
    await left.exit;
    // The instance itself goes on, and is the next daemon's to stop.
    await (await later.adopt(app.id))?.stop(0);
  });

  test("a terminal has the size that was asked for, also later", async () => {
    const { engine, makeWish } = await openRealEngine();
    const app = await startReady(engine, await makeWish());
    const order = { ...line("stty size; read -r _; stty size"), tty: { rows: 30, cols: 90 } };
    const command = await app.enter(order);
    let said = "";
    command.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.trimEnd().endsWith("30 90")) {
        command.resize({ rows: 40, cols: 100 });
        command.stdin.write("\n");
      }
    });
    expect((await command.exit).code).toBe(0);
    expect(said).toContain("40 100");
  });

  test("is refused when nothing of the app runs", async () => {
    const { engine, makeWish } = await openRealEngine();
    const app = await startInstance(engine, await makeWish({ web: { start: "exit 1" } }));
    await waitFor(app, ({ state }) => state === "crashed");
    const entered = await app.enter(line("true")).then(
      (command) => finish(command),
      (error: unknown) => error,
    );
    // Between two attempts there is no process; a look at the right moment may find a short-lived one.
    expect(entered).toMatchObject(
      entered instanceof Error ? { code: "ERR_INSTANCE_LOST" } : { code: expect.any(Number) as number },
    );
    await app.stop(0);
    await expect(app.enter(line("true"))).rejects.toMatchObject({ code: "ERR_INSTANCE_LOST" });
  });

  test("works on with the next daemon, with the release's environment of then", async () => {
    const real = await openRealEngine();
    const app = await startReady(real.engine, await real.makeWish());
    const port = await ask(app, 'printf %s "$PORT"');
    const later = await real.reopen();
    const found = await later.adopt(app.id);
    real.env["SECRET"] = "told anew";
    if (found === undefined) throw new Error("it was not found again");
    const { stdout } = await finish(await found.enter(line('echo "$SECRET|$PORT"')));
    expect(stdout).toBe(`told anew|${port}\n`);
    expect(found.memoryBytes).toBe(app.memoryBytes);
    expect(await readFile(join(real.paths.instances, app.id, "instance.json"), "utf8")).not.toContain("PATH");
    await found.stop(0);
  });

  test.runIf(isRoot)("shares the app's memory limit", async () => {
    const { engine, makeWish } = await openRealEngine();
    const app = await startReady(engine, await makeWish({ limits: { memoryBytes: 64 * 1_048_576 } }));
    const hog = { command: ["perl", "-e", 'push @held, "x" x 1048576 while 1'], env: {}, tty: null };
    expect((await finish(await app.enter(hog))).code).not.toBe(0);
  });
});

describe("runTool", () => {
  test("moves files with the app's user, sees only its folders and has no network", async () => {
    const { engine, paths } = await openRealEngine();
    const source = join(paths.volumes, "env-1");
    await mkdir(source, { recursive: true });
    await writeFile(join(source, "file"), "content");
    await symlink("/etc/shadow", join(source, "link"));
    const tool = (command: string, writable = false): ToolWish => ({
      id: `tool-${process.pid}`,
      appSlot: 3,
      mounts: [{ source, target: "/mounts/data", writable }],
      command: ["/bin/sh", "-c", command],
    });
    const run = async (wish: ToolWish, input = "") => finish(await engine.runTool(wish), input);
    expect(
      await run(tool("cat /mounts/data/file; ls -A / /mounts; cut -d: -f1 /proc/net/dev | tail -n +3")),
    ).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^content[^]*\/mounts:\ndata\n\s+lo\n$/) as string,
    });
    expect(await run(tool("cat /mounts/data/link"))).toMatchObject({ code: 1, stdout: "" });
    expect((await run(tool("touch /mounts/data/new"))).stderr).toContain("Read-only file system");
    expect((await run(tool("ls /app /root /home"))).stdout).toBe("");
    expect((await run(tool("wc -c", true), "12345")).stdout.trim()).toBe("5");
    expect((await run(tool("exit 4"))).code).toBe(4);
  });

  test("is ended by a signal, and by the engine's end", async () => {
    const { engine } = await openRealEngine();
    const wish = { id: `tool-${process.pid}`, appSlot: 3, mounts: [], command: ["sleep", "300"] };
    const first = await engine.runTool(wish);
    first.signal("TERM");
    expect((await first.exit).code).toBeGreaterThan(128);
    const second = await engine.runTool(wish);
    await engine.close();
    expect((await second.exit).code).toBeGreaterThan(128);
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hookLogFile, openHookLog, type HookName } from "../../../src/deploy/hooks/hook-log.js";
import { runHook } from "../../../src/deploy/hooks/run-hook.js";
import type { CommandOrder, Instance, RunningCommand } from "../../../src/run/engines/engine.js";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-hook-"));
  file = hookLogFile(folder, "env-1", "deploy");
});
afterEach(() => rm(folder, { recursive: true }));

/** Kills for memory that the instance tells of. */
let kills = 0;

/** Runs commands as plain children: sandboxes are tried where they are made. */
const instance = {
  memoryBytes: 64_000_000,
  refresh: async () => ({ oom_kills: kills }),
  async enter(order: CommandOrder): Promise<RunningCommand> {
    const [program = "", ...args] = order.command;
    const child = spawn(program, args, { cwd: folder, detached: true, stdio: "pipe" });
    const exit = once(child, "close").then(([code, signal]) => ({
      code: (code as number | null) ?? 143,
      signal: (signal as string | null)?.replace("SIG", "") ?? null,
    }));
    return {
      ...{ stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exit },
      resize: () => undefined,
      signal: (name) => void process.kill(-(child.pid ?? 0), `SIG${name}`),
    };
  },
} as unknown as Instance;

async function run(
  script: string,
  signal = new AbortController().signal,
  name: HookName = "deploy",
): Promise<string[]> {
  const lines: string[] = [];
  const log = openHookLog(file);
  try {
    await runHook(instance, { name, script, log, signal, onLine: (text) => lines.push(text) });
  } finally {
    expect(await log.close()).toBeNull();
  }
  return lines;
}

test("its lines are told and kept, each with its time and stream", async () => {
  expect(await run("echo one; echo two >&2; printf three")).toEqual(
    expect.arrayContaining(["one", "two", "three"]),
  );
  const kept = await readFile(file, "utf8");
  expect(kept).toMatch(
    /^\d{4}-\d\d-\d\dT[\d:.]+Z out Launching command 'echo one; echo two >&2; printf three'$/m,
  );
  expect(kept).toMatch(/ out one$/m);
  expect(kept).toMatch(/ err two$/m);
});

test("the exit code of the whole script decides: a failure in its middle does not", async () => {
  expect(await run("false\necho on")).toEqual(["on"]);
});

test("a failure says when something was killed for its memory", async () => {
  const running = run("sleep 0.2; exit 1");
  await expect.poll(() => readFile(file, "utf8")).toContain("Launching");
  kills++;
  await expect(running).rejects.toThrow(
    "the deploy hook ended with code 1; a process was killed, because the instance with the hook used more than its 64 MB of memory",
  );
});

test("a failed post_deploy says where its log is and what runs it again", async () => {
  const signal = new AbortController().signal;
  const failure = await run("exit 7", signal, "post_deploy").catch((error: unknown) => error);
  expect((failure as BloomError).hint).toContain("bloom log post-deploy");
  expect((failure as BloomError).hint).toContain("bloom redeploy");
});

test("a failure says the code and the last lines", async () => {
  const failure = await run("seq 1 30; echo the migration failed >&2; exit 7").catch(
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({
    code: "ERR_HOOK_FAILED",
    message: "the deploy hook ended with code 7",
    details: { code: 7 },
  });
  const tail = (failure as BloomError).details?.["tail"] as string[];
  expect(tail).toHaveLength(20);
  expect(tail).toContain("the migration failed");
});

test("a write below /app is explained", async () => {
  const script = "echo \"touch: cannot touch 'x': Read-only file system\" >&2; exit 1";
  await expect(run(script)).rejects.toMatchObject({ hint: expect.stringContaining("mounts") as unknown });
});

test("cancelling ends it and everything it has started", async () => {
  const abort = new AbortController();
  const lines: string[] = [];
  const log = openHookLog(file);
  const running = runHook(instance, {
    ...{ name: "deploy", script: "sleep 600 & echo $!; wait", log, signal: abort.signal },
    onLine(text) {
      lines.push(text);
      abort.abort(new BloomError("ERR_INTERRUPTED", "cancelled by ada"));
    },
  });
  await expect(running).rejects.toMatchObject({ code: "ERR_INTERRUPTED" });
  await log.close();
  // Its new parent has yet to take note of its end; a process that only waits for that has ended.
  const state = await readFile(`/proc/${lines[0]}/stat`, "utf8").catch(() => ") Z");
  expect(state.slice(state.lastIndexOf(")"))).toMatch(/^\) Z/);
});

test("one that was cancelled before it began is not begun", async () => {
  const reason = new BloomError("ERR_INTERRUPTED", "cancelled");
  await expect(run("echo never", AbortSignal.abort(reason))).rejects.toBe(reason);
});

describe("the log", () => {
  test("is moved aside when it has grown", async () => {
    await openHookLog(file).close();
    await writeFile(file, "old\n");
    await truncate(file, 11 * 1024 * 1024);
    await run("echo new");
    expect((await stat(`${file}.1`)).size).toBe(11 * 1024 * 1024);
    expect(await readFile(file, "utf8")).toMatch(/ out new\n$/);
  });

  test("that cannot be written says so and fails nothing", async () => {
    await writeFile(join(folder, "file"), "in the way");
    const log = openHookLog(join(folder, "file", "deploy.log"));
    log.write("out", "one");
    expect((await log.close())?.message).toMatch(/EEXIST|ENOTDIR/);
  });
});

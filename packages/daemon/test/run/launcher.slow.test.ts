import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { createLauncher, type LaunchedShim, type Launcher } from "../../src/run/launcher.js";
import { findShim } from "../build/helpers.js";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function openOne() {
  const shimPath = findShim();
  if (shimPath === null) throw new Error("bloom-shim is not built");
  const folder = await mkdtemp(join(tmpdir(), "bloom-launcher-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const socket = join(folder, "shim.sock");
  const warnings: string[] = [];
  const launcher = createLauncher({ shimPath, socket, log: { warn: (_, text) => void warnings.push(text) } });
  cleanups.push(() => launcher.close());
  const open = async (): Promise<number> => {
    launcher.open();
    return untilListening(socket);
  };
  return { launcher, socket, warnings, open };
}

/** The pid of whoever listens there. */
async function untilListening(socket: string, but = 0): Promise<number> {
  let pid = 0;
  await vi.waitUntil(() => (pid = findListener(socket)) !== 0 && pid !== but, { timeout: 20_000 });
  await vi.waitUntil(() => existsSync(socket), { timeout: 20_000 });
  return pid;
}

function findListener(socket: string): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
  const isIt = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`launch\0${socket}`);
    } catch {
      return false;
    }
  };
  return Number(children.find((pid) => pid !== "" && isIt(pid)) ?? 0);
}

const childrenOf = (parent: number): string[] =>
  readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim().split(" ").filter(Boolean);

/** Ends a shim that waits, and says what it answered. */
async function dismiss(shim: LaunchedShim): Promise<string> {
  shim.hold();
  shim.input.end("this is no spec");
  const hello = await shim.hello;
  await shim.gone;
  return hello;
}

/** One that it has started: its word that it listens may be on its way yet, and then Node starts the first ones. */
async function launchByIt(launcher: Launcher, pid: number): Promise<LaunchedShim> {
  for (;;) {
    const shim = await launcher.launch(["run"]);
    const isIts = () => childrenOf(pid).length > 0;
    if (await vi.waitUntil(isIts, { timeout: 500 }).catch(() => false)) return shim;
    await dismiss(shim);
  }
}

test("each connection becomes a shim, whose parent it is, and which ends as its own", async () => {
  const { launcher, socket, open } = await openOne();
  const pid = await open();
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  const shim = await launchByIt(launcher, pid);
  const [child = ""] = childrenOf(pid);
  await vi.waitUntil(() => readFileSync(`/proc/${child}/cmdline`, "utf8") === "bloom-shim\0run\0");
  expect(await dismiss(shim)).toContain('"ok":false');
  await vi.waitUntil(() => !existsSync(`/proc/${child}`));
});

test("whoever says nothing, or nonsense, gets nothing and disturbs nobody", async () => {
  const { launcher, socket, open } = await openOne();
  await open();
  for (const text of ["", "\n", "{}\n", '["run\\u0000"]\n', "x".repeat(100_000)]) {
    const client = connect(socket);
    client.on("error", () => undefined);
    client.end(text);
    client.resume();
    await new Promise((resolve) => client.once("close", resolve));
  }
  expect(await dismiss(await launcher.launch(["run"]))).toContain('"ok":false');
});

test("when it is killed, shims are started all the same, and so is it", async () => {
  const { launcher, socket, warnings, open } = await openOne();
  const pid = await open();
  const before = await launchByIt(launcher, pid);
  process.kill(pid, "SIGKILL");
  // Its socket may take a connection yet while it dies.
  await vi.waitUntil(async () => (await dismiss(await launcher.launch(["run"]))).includes('"ok":false'));
  // It has lost its parent and nothing else.
  expect(await dismiss(before)).toContain('"ok":false');
  expect(await untilListening(socket, pid)).not.toBe(pid);
  expect(warnings).toEqual([expect.stringContaining("has ended")]);
});

test("without one, and after its close, Node does it, and nothing is left", async () => {
  const { launcher, socket, open } = await openOne();
  expect(await dismiss(await launcher.launch(["run"]))).toContain('"ok":false');
  const pid = await open();
  await launcher.close();
  expect([existsSync(socket), existsSync(`/proc/${pid}`)]).toEqual([false, false]);
  expect(await dismiss(await launcher.launch(["run"]))).toContain('"ok":false');
});

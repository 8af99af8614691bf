import { execFile, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { findFreePort, makeFolder } from "./platform.mjs";

const run = promisify(execFile);
const functionName = "lambda-hello";

/** cargo-lambda from the Python index, in a folder of its own; a text says why it cannot be had. */
export async function openCargoLambda() {
  const folder = makeFolder("cargo-lambda");
  const program = join(folder, "bin/cargo-lambda");
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    await run("python3", ["-m", "venv", folder]);
    // What it would bring along is a linker for other machines.
    const pip = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "--no-deps",
      "cargo-lambda",
    ];
    await run(join(folder, "bin/python"), pip);
    const { stdout } = await run(program, ["lambda", "--version"]);
    return { program, version: stdout.trim().split(" (")[0], remove };
  } catch (error) {
    remove();
    return `cargo-lambda cannot be had here: ${String(error.stderr || error.message)
      .trim()
      .split("\n")
      .at(-1)}`;
  }
}

/** `cargo lambda watch` on a project, on a port of this machine alone. With `--wait` nothing runs until it is asked. */
export async function startWatch({ program }, project, target, flags) {
  const port = await findFreePort();
  const args = ["lambda", "watch", "--quiet", "-A", "127.0.0.1", "-P", `${port}`, ...flags];
  const env = { ...process.env, CARGO_TARGET_DIR: target };
  const child = spawn(program, args, { cwd: project, env, stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const stop = async () => {
    // Then it ends the function, too.
    child.kill("SIGINT");
    const tooLate = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(tooLate);
  };
  while (!(await isOpen(port))) {
    if (child.exitCode !== null) throw new Error(`cargo lambda watch ended with ${child.exitCode}`);
    await delay(5);
  }
  const path = `/2015-03-31/functions/${functionName}/invocations`;
  const invoke = () =>
    run(program, [
      "lambda",
      "invoke",
      "-A",
      "127.0.0.1",
      "-P",
      `${port}`,
      functionName,
      "--data-ascii",
      "{}",
    ]);
  return { port, path, invoke, stop };
}

function isOpen(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { BloomError, type EnterMessage } from "@bloomery/contract";
import type { RunningCommand } from "./engine.js";

/** A command that runs under a shim of its own. */
export interface ShimCommand extends RunningCommand {
  /** Lets go of the command, which then ends. */
  end(): void;
}

/**
 * Starts `bloom-shim enter` or `bloom-shim exec`. The spec goes through descriptor 3 and is in no argument list,
 * because the environment in it holds secrets. `enter` listens on for messages; for `exec` they become signals to
 * the whole process group. Throws ERR_SANDBOX_UNAVAILABLE when the shim cannot be run.
 */
export async function runCommand(
  shimPath: string,
  verb: "enter" | "exec",
  spec: object,
): Promise<ShimCommand> {
  const child = spawn(shimPath, [verb], { detached: true, env: {}, stdio: ["pipe", "pipe", "pipe", "pipe"] });
  const exit = waitForExit(child);
  exit.catch(() => undefined); // told by the caller's own look at it
  try {
    await once(child, "spawn");
  } catch (cause) {
    throw new BloomError("ERR_SANDBOX_UNAVAILABLE", `${shimPath} could not be run`, { cause });
  }
  const [stdin, stdout, stderr, control] = child.stdio as unknown as [Writable, Readable, Readable, Writable];
  // Broken pipes are how a command ends that did not want all of its input.
  for (const stream of [stdin, control]) stream.on("error", () => undefined);
  control.write(`${JSON.stringify(spec)}\n`);
  if (verb === "exec") control.end();
  const tell = (message: EnterMessage): void => {
    if (control.writable) control.write(`${JSON.stringify(message)}\n`);
  };
  const signalGroup = (name: string): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, `SIG${name}` as NodeJS.Signals);
    } catch {
      // it has ended already
    }
  };
  return {
    stdin,
    stdout,
    stderr,
    resize: (size) => tell({ resize: { rows: size.rows, cols: size.cols } }),
    signal: (name) => (verb === "enter" ? tell({ signal: name }) : signalGroup(name)),
    exit,
    end() {
      if (verb === "enter") control.end();
      else signalGroup("KILL");
      // What nobody reads any more would keep the command from ever being seen as ended.
      for (const stream of [stdout, stderr]) stream.destroy();
    },
  };
}

async function waitForExit(child: ChildProcess): Promise<{ code: number; signal: string | null }> {
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  if (signal === null) return { code: code ?? 0, signal: null };
  return { code: 128 + (constants.signals[signal] ?? 0), signal: signal.replace(/^SIG/, "") };
}

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { BloomError } from "@bloomery/contract";

/** Signals that mean something to the host. */
const passed = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTSTP"] as const;

/**
 * Runs a program in our place: our input and output are its own, our signals go to it. Returns its exit code, or 128
 * and the number of the signal that ended it.
 */
export async function runForeground(
  [program = "", ...args]: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<number> {
  // Before it is started: one that comes in that moment would end us and leave it running.
  const early: NodeJS.Signals[] = [];
  let pass: (name: NodeJS.Signals) => void = (name) => void early.push(name);
  const handlers = passed.map((name) => {
    const take = (): void => pass(name);
    process.on(name, take);
    return () => process.off(name, take);
  });
  // In a group of its own: a terminal's Ctrl-C would reach it twice, and the second one means `at once`.
  const child = spawn(program, args, { cwd, env, stdio: "inherit", detached: true });
  pass = (name) => void child.kill(name);
  for (const name of early) pass(name);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", (cause) =>
        reject(
          new BloomError("ERR_SYSTEM_PACKAGE_MISSING", `${program} could not be run: ${cause.message}`, {
            cause,
          }),
        ),
      );
      child.once("exit", (code, signal) =>
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
      );
    });
  } finally {
    for (const off of handlers) off();
  }
}

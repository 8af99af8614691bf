import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { BloomError } from "@bloomery/contract";

export interface CalledTool {
  readonly exitCode: number;
  readonly stdout: string;
  /** Empty when it was shown. */
  readonly stderr: string;
}

/**
 * Runs a program to its end. `shows`: what it says of its work is shown as it comes. Throws ERR_TOOLCHAIN_MISSING when
 * there is no such program, ERR_INTERRUPTED when we were told to end meanwhile.
 */
export async function callTool(
  [program = "", ...args]: readonly string[],
  { cwd, env, shows }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly shows: boolean },
): Promise<CalledTool> {
  const options = { cwd, env };
  const child = shows
    ? spawn(program, args, { ...options, stdio: ["ignore", "pipe", "inherit"] })
    : spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let isStopped = false;
  const stop = (): void => {
    isStopped = true;
    child.kill("SIGTERM");
  };
  for (const name of stopping) process.on(name, stop);
  try {
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      child.stderr === null ? "" : text(child.stderr),
      once(child, "exit") as Promise<[number | null]>,
    ]);
    if (isStopped) throw new BloomError("ERR_INTERRUPTED", "interrupted before anything was served");
    return { exitCode: code ?? 1, stdout, stderr };
  } catch (cause) {
    if (cause instanceof BloomError) throw cause;
    throw new BloomError(
      "ERR_TOOLCHAIN_MISSING",
      `${program} could not be run: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  } finally {
    for (const name of stopping) process.off(name, stop);
  }
}

const stopping = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

import { execa } from "execa";
import { BloomError } from "@bloomery/contract";
import { systemFolders } from "../build/sandbox/find-program.js";

/** How a program of the system ended. */
export interface ProgramResult {
  readonly failed: boolean;
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  /** The first lines of its complaint, in one. */
  readonly words: string;
}

/** Runs one of the system's programs to its end. Throws ERR_SYSTEM_PACKAGE_MISSING when it is not installed. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: { readonly input?: string; readonly purpose: string; readonly limitMs?: number },
): Promise<ProgramResult> {
  const result = await execa(command, args, {
    reject: false,
    timeout: options.limitMs ?? 20_000,
    env: { PATH: [process.env["PATH"] ?? "", ...systemFolders].join(":"), LC_ALL: "C" },
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
  });
  if (result.failed && result.code === "ENOENT") {
    throw new BloomError(
      "ERR_SYSTEM_PACKAGE_MISSING",
      `\`${command}\` is not installed, and ${options.purpose} need it`,
    );
  }
  const words = result.stderr.trim().split("\n").slice(0, 3).join("; ");
  return {
    failed: result.failed,
    code: result.exitCode ?? null,
    stdout: result.stdout,
    words: words === "" && result.failed ? (result.shortMessage ?? "it ended with an error") : words,
  };
}

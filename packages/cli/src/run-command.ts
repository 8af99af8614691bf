import { BloomError, toBloomError } from "@bloomery/contract";
import { createClient, type Client } from "./client.js";
import type { Command, Context, Input } from "./command.js";
import { createOutput, type Output, type Stream } from "./output/output.js";
import { resolveCliSettings } from "./settings.js";

/** The world the program runs in; tests give their own. */
export interface World {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdin: () => Input;
  readonly stdout: Stream;
  readonly stderr: Stream;
}

/** Runs one command with everything it needs and returns its exit code. Never throws. */
export async function runCommand(
  command: Command,
  args: readonly string[],
  flags: Context["flags"],
  world: World,
): Promise<number> {
  const { env, cwd, stdin } = world;
  const output = openOutput(flags, world);
  const abort = new AbortController();
  // The first Ctrl-C asks the command to tidy up, the second ends it.
  const interrupt = (): void => {
    if (abort.signal.aborted) process.exit(130);
    abort.abort(
      new BloomError("ERR_INTERRUPTED", "interrupted", { hint: "Run the command again when ready." }),
    );
  };
  process.on("SIGINT", interrupt);
  let client: Client | undefined;
  try {
    const isRoot = process.getuid?.() === 0;
    const settings = resolveCliSettings({ flags, env, cwd, isRoot });
    const { signal } = abort;
    const context: Context = {
      ...{ settings, output, args, flags, env, cwd, stdin, signal },
      client: () => (client ??= createClient({ ...settings, signal })),
      confirm: (question) => confirm(question, flags, output, world),
    };
    return (await command.run(context)) ?? 0;
  } catch (error) {
    const isLate = abort.signal.aborted && !(error instanceof BloomError);
    const failure = toBloomError(isLate ? abort.signal.reason : error);
    output.error(failure);
    return failure.exitCode;
  } finally {
    process.off("SIGINT", interrupt);
    await client?.close();
  }
}

export function openOutput(flags: Context["flags"], world: World): Output {
  const { env, stdout, stderr } = world;
  const isPlain = isSet(env["CI"]) || env["TERM"] === "dumb" || isSet(env["NO_COLOR"]);
  const live = stderr.isTTY === true && !isPlain;
  return createOutput({
    stdout,
    stderr,
    json: flags["json"] === true,
    quiet: flags["quiet"] === true,
    verbose: flags["verbose"] === true,
    color: live && flags["color"] !== false,
    live,
  });
}

/** An empty variable is as good as none: the convention of NO_COLOR. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}

async function confirm(
  question: string,
  flags: Context["flags"],
  output: Output,
  world: World,
): Promise<void> {
  if (flags["yes"] === true) return;
  if (!output.live || output.json || world.stdout.isTTY !== true || world.stdin().isTTY !== true) {
    throw new BloomError("ERR_NEEDS_CONFIRMATION", `${question} Nobody can be asked here.`);
  }
  const prompts = await import("@clack/prompts");
  const answer = await prompts.confirm({ message: question, initialValue: false, output: process.stderr });
  if (answer !== true) {
    throw new BloomError("ERR_INTERRUPTED", "nothing was changed", { hint: "Answer yes, or give --yes." });
  }
}

import { BloomError, toBloomError } from "@bloomery/contract";
import { createClient, type Client } from "./client.js";
import type { Command, Context, Input } from "./command.js";
import { loadIgniteConfig } from "./ignite-config.js";
import { parseChoice } from "./commands/parse-flag.js";
import { createOutput, type Output, type Stream } from "./output/output.js";
import { resolveCliSettings } from "./settings.js";

/** The world the program runs in; tests give their own. */
export interface World {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdin: () => Input;
  readonly stdout: Stream;
  readonly stderr: Stream;
  /** What the program was called as; `bloom` when it does not matter. */
  readonly name?: string;
}

/** Runs one command with everything it needs and returns its exit code. Never throws. */
export async function runCommand(
  command: Command,
  args: readonly string[],
  flags: Context["flags"],
  world: World,
): Promise<number> {
  const { env, cwd, stdin } = world;
  const output = openOutput(flags, world, flags["output"] === "yaml" ? await loadYaml() : undefined);
  const abort = new AbortController();
  // The first Ctrl-C asks the command to tidy up, the second ends it.
  const interrupt = (): void => {
    if (abort.signal.aborted) process.exit(130);
    abort.abort(
      new BloomError("ERR_INTERRUPTED", "interrupted", { hint: "Run the command again when ready." }),
    );
  };
  if (command.takesSignals !== true) process.on("SIGINT", interrupt);
  let client: Client | undefined;
  try {
    const isRoot = process.getuid?.() === 0;
    // Verbs of ours pass over a settings file of Ignite that does not parse, as over their own.
    const isIgnite = command.common !== undefined;
    const config = await loadIgniteConfig({ flags: isIgnite ? flags : {}, env, cwd }).catch(
      (error: unknown) => {
        if (isIgnite) throw error;
        return undefined;
      },
    );
    const settings = resolveCliSettings({ flags, env, cwd, isRoot, ignite: config?.values ?? {} });
    const { signal } = abort;
    if (isIgnite) parseChoice(flags, "output", outputForms);
    const timeout = isIgnite ? { timeoutMs: parseTimeout(flags["timeout"]) } : {};
    const context: Context = {
      ...{ settings, output, args, flags, env, cwd, stdin, signal },
      client: () => (client ??= createClient({ ...settings, ...timeout, signal })),
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

const outputForms = ["table", "wide", "json", "yaml"] as const;

/** `30s`, `5m`, `1h30m` or plain seconds; 0 is no limit. Throws ERR_INVALID_ARGUMENT. */
function parseTimeout(word: Context["flags"][string]): number {
  const match = /^(?=\d)(?:(\d{1,3})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s?)?$/.exec(String(word ?? "0"));
  if (match !== null) {
    const [, hours = "0", minutes = "0", seconds = "0"] = match;
    // A timer takes no more, about 25 days.
    return Math.min((Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000, 2 ** 31 - 1);
  }
  throw new BloomError(
    "ERR_INVALID_ARGUMENT",
    `--timeout is \`${String(word)}\`, but must be like 30s, 5m or 1h30m`,
  );
}

async function loadYaml(): Promise<(document: unknown) => string> {
  const { stringify } = await import("yaml");
  return (document) => stringify(document).trimEnd();
}

export function openOutput(
  flags: Context["flags"],
  world: World,
  yaml?: (document: unknown) => string,
): Output {
  const { env, stdout, stderr } = world;
  const isPlain = isSet(env["CI"]) || env["TERM"] === "dumb" || isSet(env["NO_COLOR"]);
  const live = stderr.isTTY === true && !isPlain;
  return createOutput({
    stdout,
    stderr,
    json: flags["json"] === true || flags["output"] === "json" || yaml !== undefined,
    ...(yaml === undefined || flags["json"] === true ? {} : { yaml }),
    wide: flags["output"] === "wide",
    quiet: flags["quiet"] === true,
    verbose: flags["verbose"] === true || flags["debug"] === true || isSwitchedOn(env["IGNITE_DEBUG"]),
    color: live && flags["color"] !== false,
    live,
  });
}

function isSwitchedOn(value: string | undefined): boolean {
  return isSet(value) && value !== "0" && value !== "false";
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

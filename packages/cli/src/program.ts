import { Command as Commander, CommanderError } from "commander";
import { BloomError, suggest, toBloomError } from "@bloomery/contract";
import { createClient, type Client } from "./client.js";
import { globalFlags, type Command, type Context } from "./command.js";
import { commands } from "./commands/index.js";
import { createOutput, type Output, type Stream } from "./output/output.js";
import { resolveCliSettings } from "./settings.js";
import { cliVersion } from "./version.js";

/** The world the program runs in; tests give their own. */
export interface World {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdout: Stream;
  readonly stderr: Stream;
}

/** Runs one command line and returns its exit code. Never throws. */
export async function runProgram(argv: readonly string[], world: World): Promise<number> {
  let code = 0;
  const program = buildProgram(world, async (command, args, flags) => {
    code = await runCommand(command, args, flags, world);
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const output = openOutput({ json: argv.includes("--json") }, world);
    const failure = error instanceof CommanderError ? explainUsage(error, argv) : toBloomError(error);
    output.error(failure);
    return failure.exitCode;
  }
}

type Runner = (command: Command, args: readonly string[], flags: Context["flags"]) => Promise<void>;

function buildProgram(world: World, run: Runner): Commander {
  const write = { writeOut: (text: string) => void world.stdout.write(text), writeErr: () => undefined };
  const program = new Commander("bloom")
    .description("Bloomery: a home for Rust servers on your own machine")
    .version(cliVersion, "--version")
    .exitOverride()
    .configureOutput(write)
    .showSuggestionAfterError(false)
    .addHelpText("after", "\nStart with: bloom deploy path/to/your/app");
  const groups = new Map<string, Commander>();
  for (const command of commands) {
    const [noun = "", verb] = command.name.split(" ");
    let parent = program;
    if (verb !== undefined) {
      parent =
        groups.get(noun) ?? program.command(noun).description(`${command.group}: see bloom ${noun} --help`);
      groups.set(noun, parent);
      parent.exitOverride().configureOutput(write).showSuggestionAfterError(false);
    }
    const node = parent.command(verb ?? noun).description(command.summary);
    node.exitOverride().configureOutput(write).showSuggestionAfterError(false);
    for (const arg of command.args ?? []) {
      const dots = arg.many === true ? "..." : "";
      node.argument(arg.optional === true ? `[${arg.name}${dots}]` : `<${arg.name}${dots}>`, arg.about);
    }
    for (const flag of [...(command.flags ?? []), ...globalFlags])
      node.option(flag.flag, flag.about, flag.fallback);
    const examples = command.examples.map((example) => `  ${example}`).join("\n");
    node.addHelpText(
      "after",
      `${command.about === undefined ? "" : `\n${command.about}\n`}\nExamples:\n${examples}`,
    );
    node.action(async (...given: unknown[]) => {
      // Commander turns --dry-run into dryRun; a flag keeps its own name here.
      const flags = Object.fromEntries(
        Object.entries(node.opts<Record<string, string | boolean | undefined>>()).map(([key, value]) => [
          key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
          value,
        ]),
      );
      const args = given
        .slice(0, command.args?.length ?? 0)
        .flat()
        .filter((one) => one !== undefined);
      await run(command, args.map(String), flags);
    });
  }
  return program;
}

async function runCommand(
  command: Command,
  args: readonly string[],
  flags: Context["flags"],
  world: World,
): Promise<number> {
  const output = openOutput(flags, world);
  const abort = new AbortController();
  // The first Ctrl-C asks the command to tidy up, the second ends it.
  const interrupt = (): void => {
    if (abort.signal.aborted) process.exit(130);
    abort.abort(new BloomError("ERR_INTERRUPTED", "interrupted"));
  };
  process.on("SIGINT", interrupt);
  let client: Client | undefined;
  try {
    const isRoot = process.getuid?.() === 0;
    const settings = resolveCliSettings({ flags, env: world.env, cwd: world.cwd, isRoot });
    const context: Context = {
      ...{ settings, output, args, flags, signal: abort.signal },
      client: () => (client ??= createClient(settings)),
      confirm: (question) => confirm(question, flags, output, world),
    };
    return (await command.run(context)) ?? 0;
  } catch (error) {
    const failure =
      abort.signal.aborted && !(error instanceof BloomError) ? interrupted() : toBloomError(error);
    output.error(failure);
    return failure.exitCode;
  } finally {
    process.off("SIGINT", interrupt);
    await client?.close();
  }
}

function openOutput(flags: Context["flags"], world: World): Output {
  const { env, stdout, stderr } = world;
  const isPlain = env["CI"] !== undefined || env["TERM"] === "dumb" || env["NO_COLOR"] !== undefined;
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

async function confirm(
  question: string,
  flags: Context["flags"],
  output: Output,
  world: World,
): Promise<void> {
  if (flags["yes"] === true) return;
  if (!output.live || output.json || world.stdout.isTTY !== true) {
    throw new BloomError("ERR_NEEDS_CONFIRMATION", `${question} Nobody can be asked here.`);
  }
  const prompts = await import("@clack/prompts");
  if ((await prompts.confirm({ message: question, initialValue: false })) !== true) throw interrupted();
}

function interrupted(): BloomError {
  return new BloomError("ERR_INTERRUPTED", "interrupted; nothing was changed");
}

/** Commander's complaints in our form, with the verb or flag that was probably meant. */
function explainUsage(error: CommanderError, argv: readonly string[]): BloomError {
  const message = error.message.replace(/^error: /, "");
  const unknown = /unknown (?:command|option) '([^']+)'/.exec(message)?.[1];
  const verbs = commands.flatMap((command) => [command.name, command.name.split(" ")[0] ?? ""]);
  const flags = [...commands.flatMap((command) => command.flags ?? []), ...globalFlags].flatMap(
    (flag) => flag.flag.match(/--[\w-]+/g) ?? [],
  );
  const near = unknown === undefined ? undefined : suggest(unknown, unknown.startsWith("-") ? flags : verbs);
  const words = argv.filter((word) => !word.startsWith("-"));
  const known = commands.find((command) => words.join(" ").startsWith(command.name));
  return new BloomError("ERR_USAGE", message === "(outputHelp)" ? "a verb is missing" : message, {
    hint:
      near === undefined
        ? `See bloom ${known === undefined ? "" : `${known.name} `}--help`
        : `Did you mean \`${near}\`?`,
  });
}

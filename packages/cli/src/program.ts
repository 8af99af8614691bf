import { Command as Commander, CommanderError } from "commander";
import { toBloomError } from "@bloomery/contract";
import { globalFlags, type Command, type Context } from "./command.js";
import { commands } from "./commands/index.js";
import { explainUsage } from "./explain-usage.js";
import { openOutput, runCommand, type World } from "./run-command.js";
import { cliVersion } from "./version.js";

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
  const prepare = (node: Commander): Commander =>
    node
      .exitOverride()
      .configureOutput({
        writeOut: (text) => void world.stdout.write(text),
        writeErr: () => undefined,
        getOutHelpWidth: () => world.stdout.columns ?? 100,
      })
      .showSuggestionAfterError(false)
      // What stands before a verb is the program's: `--version` is a flag of `logs`, too.
      .enablePositionalOptions();
  const program = prepare(new Commander("bloom"))
    .description("Bloomery: a home for Rust servers on your own machine")
    .version(cliVersion, "--version")
    .addHelpText("after", "\nStart with: bloom deploy path/to/your/app");
  addFlags(program, globalFlags);
  const groups = new Map<string, Commander>();
  for (const command of commands) {
    const [noun = "", verb] = command.name.split(" ");
    let parent = program;
    if (verb !== undefined) {
      parent = groups.get(noun) ?? prepare(program.command(noun)).description(describeGroup(noun));
      if (!groups.has(noun)) addFlags(parent, globalFlags);
      groups.set(noun, parent);
    }
    addCommand(prepare(parent.command(verb ?? noun)), command, run);
  }
  return program;
}

function describeGroup(noun: string): string {
  const verbs = commands
    .filter(({ name }) => name.startsWith(`${noun} `))
    .map(({ name }) => name.split(" ")[1]);
  return `${verbs.join(", ")}: see bloom ${noun} --help`;
}

function addFlags(
  node: Commander,
  flags: readonly { flag: string; about: string; fallback?: string }[],
): void {
  for (const { flag, about, fallback } of flags) node.option(flag, about, fallback);
}

function addCommand(node: Commander, command: Command, run: Runner): void {
  node.description(command.summary);
  for (const { name, about, optional, many } of command.args ?? []) {
    const dots = many === true ? "..." : "";
    node.argument(optional === true ? `[${name}${dots}]` : `<${name}${dots}>`, about);
  }
  addFlags(node, [...(command.flags ?? []), ...globalFlags]);
  const about = command.about === undefined ? "" : `\n${command.about}\n`;
  const examples = command.examples.map((example) => `  ${example}`).join("\n");
  node.addHelpText("after", `${about}\nExamples:\n${examples}`);
  node.action(async (...given: unknown[]) => {
    const args = given
      .slice(0, command.args?.length ?? 0)
      .flat()
      .filter((one) => one !== undefined);
    await run(command, args.map(String), readFlags(node));
  });
}

/** The verb's own flags, then those that stand before it: `bloom --json apps`. */
function readFlags(node: Commander): Context["flags"] {
  const flags: Record<string, string | boolean | undefined> = {};
  for (let at: Commander | null = node; at !== null; at = at.parent) {
    for (const [key, value] of Object.entries(at.opts<Record<string, string | boolean | undefined>>())) {
      const isGiven = at.getOptionValueSource(key) !== "default";
      const isFree =
        node.getOptionValueSource(key) === undefined || node.getOptionValueSource(key) === "default";
      // Commander turns --dry-run into dryRun; a flag keeps its own name here.
      const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      if (at === node || (isGiven && isFree)) flags[name] = value;
    }
  }
  return flags;
}

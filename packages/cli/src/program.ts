import { Command as Commander, CommanderError, Option } from "commander";
import { toBloomError } from "@bloomery/contract";
import { globalFlags, namesOf, type Command, type Flags, type FlagSpec } from "./command.js";
import { commands } from "./commands/index.js";
import { nouns } from "./commands/nouns.js";
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
    const failure =
      error instanceof CommanderError ? explainUsage(error, argv, program.name()) : toBloomError(error);
    output.error(failure);
    return failure.exitCode;
  }
}

type Runner = (command: Command, args: readonly string[], flags: Flags) => Promise<void>;

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
  const program = prepare(new Commander(world.name ?? "bloom"))
    .description("Bloomery: a home for Rust servers on your own machine")
    .version(cliVersion, "--version")
    .addHelpText("after", "\nStart with: bloom deploy path/to/your/app");
  addFlags(program, globalFlags);
  const groups = new Map<string, Commander>([["", program]]);
  /** The node of a noun, made with those before it. */
  const openGroup = (words: readonly string[]): Commander => {
    const path = words.join(" ");
    const known = groups.get(path);
    if (known !== undefined) return known;
    const { aliases = [] } = nouns[path] ?? {};
    const node = prepare(openGroup(words.slice(0, -1)).command(words.at(-1) ?? ""))
      .description(describeGroup(path, program.name()))
      .aliases([...aliases]);
    addFlags(node, [...sharedFlags(path), ...globalFlags]);
    groups.set(path, node);
    return node;
  };
  for (const command of commands) {
    for (const name of namesOf(command)) {
      const words = name.split(" ");
      addCommand(prepare(openGroup(words.slice(0, -1)).command(words.at(-1) ?? "")), command, run);
    }
  }
  return program;
}

function describeGroup(path: string, program: string): string {
  const depth = path.split(" ").length;
  const below = commandsBelow(path).map(({ name }) => name.split(" ")[depth]);
  const all = nouns[path]?.about ?? [...new Set(below)].join(", ");
  return `${all}: see ${program} ${path} --help`;
}

/** Flags that everything below a noun takes: they may stand right after the noun. */
function sharedFlags(path: string): readonly FlagSpec[] {
  return [...new Set(commandsBelow(path).flatMap(({ command }) => command.common ?? []))];
}

function commandsBelow(path: string): readonly { readonly name: string; readonly command: Command }[] {
  return commands.flatMap((command) =>
    namesOf(command)
      .filter((name) => name.startsWith(`${path} `))
      .map((name) => ({ name, command })),
  );
}

function addFlags(node: Commander, flags: readonly FlagSpec[]): void {
  for (const { flag, about, fallback, many, hidden } of flags) {
    const option = new Option(flag, about).hideHelp(hidden === true);
    if (fallback !== undefined) option.default(fallback);
    if (many === true)
      option.argParser((value: string, before?: readonly string[]) => [...(before ?? []), value]);
    node.addOption(option);
  }
}

function addCommand(node: Commander, command: Command, run: Runner): void {
  node.description(command.summary);
  for (const { name, about, optional, many } of command.args ?? []) {
    const dots = many === true ? "..." : "";
    node.argument(optional === true ? `[${name}${dots}]` : `<${name}${dots}>`, about);
  }
  addFlags(node, [...(command.flags ?? []), ...(command.common ?? []), ...globalFlags]);
  if (command.passesThrough === true) node.allowUnknownOption().passThroughOptions();
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
function readFlags(node: Commander): Flags {
  const flags: Record<string, Flags[string]> = {};
  for (let at: Commander | null = node; at !== null; at = at.parent) {
    for (const [key, value] of Object.entries(at.opts<Record<string, Flags[string]>>())) {
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

import type { Readable } from "node:stream";
import type { Client } from "./client.js";
import type { Output } from "./output/output.js";
import type { CliSettings } from "./settings.js";

/** A positional argument: `app`, `[path]`, `[command...]`. */
export interface ArgumentSpec {
  readonly name: string;
  readonly about: string;
  readonly optional?: boolean;
  readonly many?: boolean;
  /** The words it may be, for completion. */
  readonly choices?: readonly string[];
}

/** A flag such as `-e, --environment <name>`. */
export interface FlagSpec {
  /** In commander's form. */
  readonly flag: string;
  readonly about: string;
  readonly fallback?: string;
  /** May be given several times; the command gets a list. */
  readonly many?: true;
  /** Understood, but not offered: what we refuse with a sentence instead of "unknown option". */
  readonly hidden?: true;
}

/** What a command line says by flag, under the flag's own name. */
export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** Standard input: a terminal, a pipe or a file. */
export interface Input extends Readable {
  readonly isTTY?: boolean | undefined;
  setRawMode?(mode: boolean): unknown;
  unref?(): unknown;
}

/** Everything a command runs with. */
export interface Context {
  readonly settings: CliSettings;
  readonly output: Output;
  /** Made at the first use, so that commands without a daemon never look for one. */
  readonly client: () => Client;
  readonly args: readonly string[];
  readonly flags: Flags;
  readonly env: NodeJS.ProcessEnv;
  /** Opened at the first use: a command that reads nothing leaves it to whoever comes next. */
  readonly stdin: () => Input;
  /** Relative paths on the command line are meant from here. */
  readonly cwd: string;
  /** Aborted by Ctrl-C; the command has the time it needs to tidy up. */
  readonly signal: AbortSignal;
  /** Asks a yes-or-no question; throws ERR_NEEDS_CONFIRMATION where nobody can answer. */
  readonly confirm: (question: string) => Promise<void>;
}

/** A command is data: the program, the help, the reference and the tests are made from it. */
export interface Command {
  /** `deploy`, `env set` or `ignite app delete`: nouns, then a verb. */
  readonly name: string;
  /** Other names it answers to. */
  readonly also?: readonly string[];
  readonly group: string;
  readonly summary: string;
  readonly about?: string;
  readonly args?: readonly ArgumentSpec[];
  readonly flags?: readonly FlagSpec[];
  /** Flags that it shares with its whole family; they may stand before the verb, too. */
  readonly common?: readonly FlagSpec[];
  readonly examples: readonly string[];
  /** From its first argument on, words are another program's: nothing in them is a flag of ours. */
  readonly passesThrough?: true;
  /** What Ctrl-C means is its own affair. */
  readonly takesSignals?: true;
  /** Loaded when the command runs. Returns the exit code; nothing means 0. */
  readonly run: (context: Context) => Promise<number | void>;
}

export const appArgument: ArgumentSpec = { name: "app", about: "the app, `app` or `org:app`" };
export const environmentFlag: FlagSpec = {
  flag: "-e, --environment <name>",
  about: "the environment",
  fallback: "main",
};

/** Accepted by every verb. */
export const globalFlags: readonly FlagSpec[] = [
  { flag: "--json", about: "print one JSON document (streams: one object a line) on standard output" },
  { flag: "--yes", about: "answer every question with yes" },
  { flag: "-q, --quiet", about: "print only the result" },
  { flag: "-v, --verbose", about: "print more of what happens" },
  { flag: "--no-color", about: "print without colours" },
  { flag: "--api <url>", about: "the daemon's address, http://… or unix:/path (BLOOM_API)" },
  { flag: "--token <token>", about: "the token to use (BLOOM_TOKEN)" },
];

/** Everything a command is called by. */
export function namesOf({ name, also = [] }: Command): readonly string[] {
  return [name, ...also];
}

/** The flags a command offers, its own first. */
export function flagsOf({ flags = [], common = [] }: Command): readonly FlagSpec[] {
  return [...flags, ...common, ...globalFlags].filter((flag) => flag.hidden !== true);
}

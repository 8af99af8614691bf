import { globalFlags, type Command } from "./command.js";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

export function isShell(word: string): word is Shell {
  return (shells as readonly string[]).includes(word);
}

/** Both names of the program complete alike. */
const programs = ["bloom", "dodil"];

/** What may come after the words typed so far: "" for the beginning, `env` for a noun, `env set` for a verb. */
type Choices = ReadonlyMap<string, readonly string[]>;

/** A completion script for one shell, made from the command table. */
export function renderCompletion(shell: Shell, commands: readonly Command[]): string {
  const choices = planChoices(commands);
  switch (shell) {
    case "bash":
      return renderBash(choices);
    case "zsh":
      // zsh reads bash's scripts; a second dialect would say the same twice.
      return `#compdef ${programs.join(" ")}\nautoload -U +X bashcompinit && bashcompinit\n${renderBash(choices)}`;
    case "fish":
      return renderFish(commands);
  }
}

function planChoices(commands: readonly Command[]): Choices {
  const choices = new Map<string, string[]>();
  const add = (after: string, word: string): void => {
    const words = choices.get(after) ?? [];
    if (!words.includes(word)) words.push(word);
    choices.set(after, words);
  };
  for (const { name, args = [], flags = [] } of commands) {
    const [noun = "", verb] = name.split(" ");
    add("", noun);
    if (verb !== undefined) add(noun, verb);
    for (const choice of args[0]?.choices ?? []) add(name, choice);
    for (const { flag } of [...flags, ...globalFlags]) for (const long of longNames(flag)) add(name, long);
  }
  return choices;
}

function longNames(flag: string): string[] {
  return flag.match(/--[a-z-]+/g) ?? [];
}

function renderBash(choices: Choices): string {
  const verbs = [...choices].map(([after, words]) => `    "${after}") words="${words.join(" ")}" ;;`);
  return `_bloom_complete() {
  local word="\${COMP_WORDS[COMP_CWORD]}" at="" next="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${at:+$at }\${COMP_WORDS[i]}"
    case "$next" in
    ${[...choices.keys()]
      .filter((key) => key !== "")
      .map((key) => `"${key}"`)
      .join(" | ")}) at="$next" ;;
    esac
  done
  case "$at" in
${verbs.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  # What is not a verb or a flag may be a folder.
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _bloom_complete ${programs.join(" ")}
`;
}

function renderFish(commands: readonly Command[]): string {
  const lines: string[] = [];
  const nouns = new Set(commands.map(({ name }) => name.split(" ")[0] ?? ""));
  for (const program of programs) {
    for (const noun of nouns) {
      const own = commands.find(({ name }) => name === noun);
      const about =
        own?.summary ??
        commands
          .filter(({ name }) => name.startsWith(`${noun} `))
          .map(verbOf)
          .join(", ");
      lines.push(`complete -c ${program} -n __fish_use_subcommand -a ${noun} -d ${quoteFish(about)}`);
    }
    for (const command of commands) {
      const { name, summary, args = [], flags = [] } = command;
      const [noun = ""] = name.split(" ");
      const verb = verbOf(command);
      const seen = `__fish_seen_subcommand_from ${noun}`;
      if (verb !== "")
        lines.push(`complete -c ${program} -n ${quoteFish(seen)} -a ${verb} -d ${quoteFish(summary)}`);
      const place = verb === "" ? seen : `${seen}; and __fish_seen_subcommand_from ${verb}`;
      const choices = args[0]?.choices ?? [];
      if (choices.length > 0)
        lines.push(`complete -c ${program} -n ${quoteFish(place)} -a ${quoteFish(choices.join(" "))}`);
      for (const { flag, about } of [...flags, ...globalFlags]) {
        for (const long of longNames(flag)) {
          lines.push(
            `complete -c ${program} -n ${quoteFish(place)} -l ${long.slice(2)} -d ${quoteFish(about)}`,
          );
        }
      }
    }
  }
  return `${lines.join("\n")}\n`;
}

function verbOf({ name }: Command): string {
  return name.split(" ")[1] ?? "";
}

function quoteFish(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

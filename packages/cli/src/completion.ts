import { flagsOf, namesOf, type Command } from "./command.js";

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
  for (const command of commands) {
    for (const name of namesOf(command)) {
      const words = name.split(" ");
      for (const [depth, word] of words.entries()) add(words.slice(0, depth).join(" "), word);
      for (const choice of command.args?.[0]?.choices ?? []) add(name, choice);
      for (const { flag } of flagsOf(command)) for (const long of longNames(flag)) add(name, long);
    }
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
  const lines = programs.flatMap((program) => {
    const said = new Set<string>();
    return commands.flatMap((command) =>
      namesOf(command).flatMap((name) => {
        const words = name.split(" ");
        // The nouns on the way to it, once each.
        const nouns = words.slice(0, -1).flatMap((noun, depth) => {
          const path = words.slice(0, depth + 1).join(" ");
          if (said.has(path)) return [];
          said.add(path);
          return [offerWord(program, words.slice(0, depth), noun, verbsBelow(commands, path))];
        });
        return [...nouns, ...offerCommand(program, words, command)];
      }),
    );
  });
  return `${lines.join("\n")}\n`;
}

function offerCommand(program: string, words: readonly string[], command: Command): string[] {
  const place = quoteFish(placeAfter(words));
  const choices = command.args?.[0]?.choices ?? [];
  return [
    offerWord(program, words.slice(0, -1), words.at(-1) ?? "", command.summary),
    ...(choices.length > 0 ? [`complete -c ${program} -n ${place} -a ${quoteFish(choices.join(" "))}`] : []),
    ...flagsOf(command).flatMap(({ flag, about }) =>
      longNames(flag).map(
        (long) => `complete -c ${program} -n ${place} -l ${long.slice(2)} -d ${quoteFish(about)}`,
      ),
    ),
  ];
}

function offerWord(program: string, before: readonly string[], word: string, about: string): string {
  const place = before.length === 0 ? "__fish_use_subcommand" : quoteFish(placeAfter(before));
  return `complete -c ${program} -n ${place} -a ${word} -d ${quoteFish(about)}`;
}

function placeAfter(words: readonly string[]): string {
  return words.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
}

function verbsBelow(commands: readonly Command[], path: string): string {
  const depth = path.split(" ").length;
  const below = commands.flatMap(namesOf).filter((name) => name.startsWith(`${path} `));
  return [...new Set(below.map((name) => name.split(" ")[depth] ?? ""))].join(", ");
}

function quoteFish(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

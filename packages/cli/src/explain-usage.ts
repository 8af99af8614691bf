import type { CommanderError } from "commander";
import { BloomError, suggest } from "@bloomery/contract";
import { flagsOf, namesOf, type Command } from "./command.js";
import { commands } from "./commands/index.js";
import { nouns } from "./commands/nouns.js";

/** Commander's complaints in our form, with the verb or flag that was probably meant. */
export function explainUsage(error: CommanderError, argv: readonly string[], program = "bloom"): BloomError {
  const words = argv.filter((word) => !word.startsWith("-"));
  const unknown = /unknown (command|option) '([^']+)'/.exec(error.message);
  const near = unknown === null ? undefined : findNear(unknown[1] ?? "", unknown[2] ?? "", words);
  const isExec = words[0] === "exec" && unknown?.[1] === "option" && !argv.includes("--");
  const isHelp = error.message === "(outputHelp)";
  return new BloomError("ERR_USAGE", isHelp ? "a verb is missing" : error.message.replace(/^error: /, ""), {
    hint: isExec
      ? `Write \`--\` before the command: bloom exec ${words[1] ?? "APP"} -- CMD.`
      : near === undefined
        ? `See \`${[program, ...placeOf(words), "--help"].join(" ")}\`.`
        : `Did you mean \`${near}\`?`,
  });
}

function findNear(kind: string, word: string, words: readonly string[]): string | undefined {
  const place = placeOf(words);
  if (kind === "option") {
    const [bare = ""] = word.split("=");
    const own = findCommand(place.join(" "));
    const flags = own === undefined ? [] : flagsOf(own).flatMap(({ flag }) => flag.match(/--[\w-]+/g) ?? []);
    return suggest(bare, flags);
  }
  const verb = suggest(word, wordsAfter(place));
  return verb === undefined ? undefined : [...place, verb].join(" ");
}

function findCommand(path: string): Command | undefined {
  return commands.find((command) => namesOf(command).includes(path));
}

/** What may come after the words that name a noun. */
function wordsAfter(place: readonly string[]): ReadonlySet<string> {
  const start = place.map((word) => `${word} `).join("");
  return new Set(
    commands
      .flatMap(namesOf)
      .filter((name) => name.startsWith(start))
      .map((name) => name.split(" ")[place.length] ?? ""),
  );
}

/** The words of the command line that name a verb or a noun, in the noun's own name. */
function placeOf(words: readonly string[]): readonly string[] {
  const place: string[] = [];
  for (const word of words) {
    const next = wordsAfter(place);
    const alias = [...next].find((one) => nouns[[...place, one].join(" ")]?.aliases?.includes(word));
    const found = next.has(word) ? word : alias;
    if (found === undefined) break;
    place.push(found);
  }
  return place;
}

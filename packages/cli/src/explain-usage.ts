import type { CommanderError } from "commander";
import { BloomError, suggest } from "@bloomery/contract";
import { globalFlags } from "./command.js";
import { commands } from "./commands/index.js";

/** Commander's complaints in our form, with the verb or flag that was probably meant. */
export function explainUsage(error: CommanderError, argv: readonly string[]): BloomError {
  const words = argv.filter((word) => !word.startsWith("-"));
  const unknown = /unknown (command|option) '([^']+)'/.exec(error.message);
  const near = unknown === null ? undefined : findNear(unknown[1] ?? "", unknown[2] ?? "", words);
  const isExec = words[0] === "exec" && unknown?.[1] === "option" && !argv.includes("--");
  const isHelp = error.message === "(outputHelp)";
  return new BloomError("ERR_USAGE", isHelp ? "a verb is missing" : error.message.replace(/^error: /, ""), {
    hint: isExec
      ? `Write \`--\` before the command: bloom exec ${words[1] ?? "APP"} -- CMD.`
      : near === undefined
        ? `See \`bloom ${placeOf(words)}--help\`.`
        : `Did you mean \`${near}\`?`,
  });
}

function findNear(kind: string, word: string, words: readonly string[]): string | undefined {
  const [noun = ""] = words;
  if (kind === "option") {
    const [bare = ""] = word.split("=");
    const own = commands.find(({ name }) => name === words.slice(0, name.split(" ").length).join(" "));
    const flags = [...(own?.flags ?? []), ...globalFlags].flatMap(
      ({ flag }) => flag.match(/--[\w-]+/g) ?? [],
    );
    return suggest(bare, flags);
  }
  const verbs = commands
    .filter(({ name }) => name.startsWith(`${noun} `))
    .map(({ name }) => name.split(" ")[1] ?? "");
  const verb = suggest(word, verbs);
  if (verbs.length > 0) return verb === undefined ? undefined : `${noun} ${verb}`;
  return suggest(word, new Set(commands.map(({ name }) => name.split(" ")[0] ?? "")));
}

/** The part of the command line that names a verb or a noun, for `--help`. */
function placeOf(words: readonly string[]): string {
  const known = commands.find(({ name }) => name === words.slice(0, name.split(" ").length).join(" "));
  if (known !== undefined) return `${known.name} `;
  return commands.some(({ name }) => name.startsWith(`${words[0] ?? ""} `)) ? `${words[0] ?? ""} ` : "";
}

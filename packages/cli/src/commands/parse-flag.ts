import { BloomError, deployStrategy, suggest } from "@bloomery/contract";
import type { Context, FlagSpec } from "../command.js";

/** One of the words a flag may have; undefined when it was not given. Throws ERR_INVALID_ARGUMENT. */
export function parseChoice<T extends string>(
  flags: Context["flags"],
  name: string,
  known: readonly T[],
): T | undefined {
  const word = flags[name];
  if (typeof word !== "string") return undefined;
  const found = known.find((one) => one === word);
  if (found !== undefined) return found;
  throw unknownWord(`--${name}`, word, known);
}

/** What is wrong with a word that must be one of several, with the one that was probably meant. */
export function unknownWord(what: string, word: string, known: readonly string[]): BloomError {
  const near = suggest(word, known);
  const all = known.length < 2 ? known.join("") : `${known.slice(0, -1).join(", ")} or ${known.at(-1) ?? ""}`;
  return new BloomError(
    "ERR_INVALID_ARGUMENT",
    `${what} is \`${word}\`, but must be ${all}`,
    near === undefined ? {} : { hint: `Did you mean \`${near}\`?` },
  );
}

export const strategyFlag: FlagSpec = {
  flag: "--strategy <name>",
  about: "rolling (new beside old) or stopstart (old ends before new begins), instead of the manifest's",
};

/** The strategy of --strategy, as a part of a request's body. */
export function planStrategy(flags: Context["flags"]): { strategy?: "rolling" | "stopstart" } {
  const strategy = parseChoice(flags, "strategy", deployStrategy.options);
  return strategy === undefined ? {} : { strategy };
}

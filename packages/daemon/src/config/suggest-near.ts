import { suggest } from "@bloomery/contract";

/** No name is this long, and comparing a megabyte with every time zone takes minutes. */
const longestWord = 100;

/** `suggest` for words out of files, which may be of any length. */
export function suggestNear(word: string, candidates: Iterable<string>): string | undefined {
  return word.length > longestWord ? undefined : suggest(word, candidates);
}

/** Aliases can make a small file enormous; nobody needs this many values, or this much text. */
const mostValues = 50_000;
const mostText = 4 * 1024 * 1024;

/** Stands for a value that is left out, mostly because of a problem. */
export const nothing = Symbol("left out");

/** The document is not worth reading on; the message is for the user. */
export class YamlTooLarge extends Error {}

/** What has been read so far of a file and all it includes. */
export interface YamlBudget {
  values: number;
  text: number;
  includes: number;
}

export function newBudget(): YamlBudget {
  return { values: 0, text: 0, includes: 0 };
}

/** Counts a value. Throws YamlTooLarge. */
export function addValue(budget: YamlBudget): void {
  if (++budget.values <= mostValues) return;
  throw new YamlTooLarge(`the file expands to more than ${mostValues} values; use fewer aliases`);
}

/** Counts a text, and gives it back. Throws YamlTooLarge. */
export function addText(budget: YamlBudget, text: string): string {
  budget.text += text.length;
  if (budget.text <= mostText) return text;
  throw new YamlTooLarge("the file expands to more than 4 MB of text; use fewer aliases and includes");
}

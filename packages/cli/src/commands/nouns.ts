/** What a noun of the command line is besides its verbs. */
export interface Noun {
  readonly about?: string;
  readonly aliases?: readonly string[];
}

const appAliases = ["function", "fn"] as const;

/** By the words that lead to it; a noun that is not here has nothing but its verbs. */
export const nouns: Readonly<Record<string, Noun>> = {
  ignite: { about: "functions, in the words of Ignite" },
  "ignite app": { aliases: appAliases },
  app: { aliases: appAliases },
  // `bloom exec` runs a command in an app's sandbox.
  "ignite execution": { aliases: ["exec"] },
};

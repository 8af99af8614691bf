import { randomBytes } from "node:crypto";

/** Prefixes say what an id names, so that one in a log line explains itself. */
export const idPrefixes = {
  org: "org",
  token: "tok",
  app: "app",
  environment: "env",
  build: "bld",
  version: "ver",
  release: "rel",
  deployment: "dep",
  variable: "var",
  activity: "act",
  instance: "i",
  execution: "x",
  boot: "boot",
} as const;

export type IdKind = keyof typeof idPrefixes;

// No vowels and no look-alikes: ids are read aloud and never spell words.
const alphabet = "23456789bcdfghjkmnpqrstvwxz";

/** A new id such as `dep-7k2m9xq4wz3b`: 12 letters of a 27-letter alphabet, about 57 bits. */
export function newId(kind: IdKind): string {
  let letters = "";
  while (letters.length < 12) {
    for (const byte of randomBytes(16)) {
      // 243 = 9 × 27: bytes above would make the first letters likelier.
      if (byte < 243 && letters.length < 12) letters += alphabet[byte % 27];
    }
  }
  return `${idPrefixes[kind]}-${letters}`;
}

/** True when `text` has the form of an id of this kind. */
export function isId(kind: IdKind, text: string): boolean {
  return new RegExp(`^${idPrefixes[kind]}-[${alphabet}]{12}$`).test(text);
}

/**
 * The compiler of a program or library, out of the note that rustc leaves in it and that stripping keeps, such as
 * `1.95.0 (59807616e 2026-04-14)`. Null: there is none, as in what old compilers made.
 */
export function findCompiler(bytes: Buffer): string | null {
  const mark = "rustc version ";
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    const text = bytes.toString("latin1", at + mark.length, at + mark.length + 100);
    const version = /^\d+\.\d+\.\d+[^\0\n]*/.exec(text)?.[0].trim();
    if (version !== undefined) return version;
  }
  return null;
}

/** What a library offers, as far as its list of names tells. */
export function findEntry(bytes: Buffer, name: string): boolean {
  return bytes.includes(`${name}\0`, 0, "latin1");
}

/** The one name that libraries of the safe kind export. */
export const safeEntry = "bloom_prefork_v1";

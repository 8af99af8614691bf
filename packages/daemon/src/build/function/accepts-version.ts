/**
 * Whether a requirement lets this version in. Only bare versions, carets and stars are understood, which is what
 * people write; anything else is left to cargo, which knows all of it.
 */
export function acceptsVersion(requirement: string, version: string): boolean {
  const written = /^\^?\s*(\d+)(?:\.(\d+|\*))?(?:\.(\d+|\*))?$/.exec(requirement.trim());
  if (written === null) return true;
  const wanted = written.slice(1).map((part) => (part === undefined || part === "*" ? null : Number(part)));
  const actual = version.split(".").map((part) => Number.parseInt(part, 10));
  // Up to the first number that is not zero everything must be the same.
  const fixed = wanted.findIndex((part) => part !== 0);
  for (const [index, part] of wanted.entries()) {
    if (part === null) return true;
    const own = actual[index] ?? 0;
    if (own === part) continue;
    return own > part && fixed !== -1 && index > fixed;
  }
  return true;
}

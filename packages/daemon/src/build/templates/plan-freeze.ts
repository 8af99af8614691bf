/** What is taken over from a target folder into a template, relative to it. */
export interface FreezePlan {
  readonly take: readonly string[];
}

/** A profile folder of a target folder, as listed. */
export interface ProfileListing {
  /** Relative to the target folder: `release` or `x86_64-unknown-linux-musl/release`. */
  readonly path: string;
  readonly fingerprints: readonly string[];
  readonly build: readonly string[];
  readonly deps: readonly string[];
}

const hashed = /^(.+)-([0-9a-f]{16})$/;
const hashedFile = /-([0-9a-f]{16})(?:\.[a-z.]+)?$/;

/**
 * Takes over what belongs to these crates and nothing else. Whatever was compiled for the project's own packages
 * must not stay: the next project with a package of that name would be given the stand-in for a finished build.
 */
export function planFreeze(profiles: readonly ProfileListing[], crates: ReadonlySet<string>): FreezePlan {
  const take = profiles.flatMap(({ path, fingerprints, build, deps }) => {
    const kept = fingerprints.filter((name) => crates.has(hashed.exec(name)?.[1] ?? ""));
    const hashes = new Set(kept.map((name) => hashed.exec(name)?.[2] ?? ""));
    const folders = new Set(kept);
    return [
      ...kept.map((name) => `${path}/.fingerprint/${name}`),
      ...build.filter((name) => folders.has(name)).map((name) => `${path}/build/${name}`),
      ...deps
        .filter((name) => hashes.has(hashedFile.exec(name)?.[1] ?? ""))
        .map((name) => `${path}/deps/${name}`),
    ];
  });
  return { take };
}

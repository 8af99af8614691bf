import { BloomError } from "@bloomery/contract";
import type { OutputEntry } from "./plan-collect.js";

/** A program that a build has made. */
export interface ProgramPlace {
  /** Paths in the work folder where it may be, the likeliest first. */
  readonly from: readonly string[];
  /** Its path in the artifact. */
  readonly to: string;
  /** A folder of which nothing else is taken over. */
  readonly leaveOut: string;
}

/**
 * The output with the program at its own place, and without the folder it was made in. Throws ERR_BUILD_FAILED when
 * it is nowhere: `from` are paths that were listed, so none leads through a link.
 */
export function takeProgram(
  entries: readonly OutputEntry[],
  { from, to, leaveOut }: ProgramPlace,
): { readonly entries: readonly OutputEntry[]; readonly from: string } {
  const files = new Set(entries.filter(({ kind }) => kind === "file").map(({ path }) => path));
  const place = from.find((path) => files.has(path));
  if (place === undefined) {
    throw new BloomError(
      "ERR_BUILD_FAILED",
      `cargo ended well, and there is no program at ${from[0] ?? to}`,
      {
        hint: "See whether .cargo/config.toml or a build script puts it elsewhere.",
      },
    );
  }
  const isGone = (path: string): boolean =>
    [leaveOut, to].some((name) => path === name || path.startsWith(`${name}/`));
  const rest = entries.filter(({ path }) => !isGone(path));
  return { entries: [...rest, { path: to, kind: "file", mode: 0o755, target: null }], from: place };
}

import { BloomError } from "@bloomery/contract";
import type { OutputEntry } from "../plan-collect.js";

/** A library that a build has made, or that was there. */
export interface LibraryPlace {
  /** Paths in the work folder where it may be, the likeliest first. */
  readonly from: readonly string[];
  /** Its path in the artifact. */
  readonly to: string;
}

/**
 * The output with each library at its own place, and of `leaveOut` nothing else. Throws ERR_BUILD_FAILED when one is
 * nowhere: `from` are paths that were listed, so none leads through a link.
 */
export function takeLibraries(
  entries: readonly OutputEntry[],
  places: readonly LibraryPlace[],
  leaveOut: string | null,
): { readonly entries: readonly OutputEntry[]; readonly from: ReadonlyMap<string, string> } {
  const files = new Set(entries.filter(({ kind }) => kind === "file").map(({ path }) => path));
  const from = new Map<string, string>();
  for (const place of places) {
    const found = place.from.find((path) => files.has(path));
    if (found === undefined) {
      throw new BloomError(
        "ERR_BUILD_FAILED",
        `the build ended well, and there is no ${place.from[0] ?? place.to}`,
        {
          hint: "See whether the ini names the library as the build makes it.",
        },
      );
    }
    from.set(place.to, found);
  }
  const isGone = ({ path }: OutputEntry): boolean =>
    from.has(path) || (leaveOut !== null && (path === leaveOut || path.startsWith(`${leaveOut}/`)));
  const taken = [...from.keys()].map((path): OutputEntry => ({
    path,
    kind: "file",
    mode: 0o755,
    target: null,
  }));
  return { entries: [...entries.filter((entry) => !isGone(entry)), ...taken], from };
}

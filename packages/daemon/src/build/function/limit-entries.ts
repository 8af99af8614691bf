import { findPathProblem } from "@bloomery/contract";
import type { ArchiveEntry } from "../archive-entry.js";
import { normalizePath } from "../receive-archive.js";
import type { CodeLimits } from "./code-limits.js";
import { isLeftOut } from "./plan-root.js";
import { tooLarge, unsafeEntry } from "./refuse.js";

/**
 * Lets entries through as long as they keep within the limits and cannot be taken for each other on any file
 * system. Sizes are judged before a body is read. What no build wants is left out, and counted all the same.
 */
export async function* limitEntries(
  archive: AsyncIterable<ArchiveEntry>,
  limits: CodeLimits,
  packedBytes: number | null,
): AsyncGenerator<ArchiveEntry> {
  const assertUnlike = createClashCheck();
  let entries = 0;
  let bytes = 0;
  for await (const entry of archive) {
    if (++entries > limits.entries) throw tooLarge(`it has more than ${limits.entries} entries`, { limits });
    bytes += entry.size;
    assertSize(bytes, packedBytes, limits, entry.path);
    const path = normalizePath(entry);
    // A tar of a folder begins with the folder itself.
    if (path === "" || isLeftOut(path)) continue;
    assertName(path, limits);
    assertUnlike(path);
    yield entry;
  }
}

/** Throws ERR_SOURCE_TOO_LARGE for more bytes than there may be, or than so small an archive should give. */
export function assertSize(
  bytes: number,
  packedBytes: number | null,
  limits: CodeLimits,
  path?: string,
): void {
  const at = path === undefined ? "" : `; ${JSON.stringify(path)} is past the limit`;
  if (bytes > limits.bytes)
    throw tooLarge(`all files together exceed ${limits.bytes} bytes${at}`, { limits });
  if (packedBytes === null || bytes <= limits.freeBytes || bytes <= packedBytes * limits.ratio) return;
  throw tooLarge(`it unpacks to more than ${limits.ratio} times its size${at}`, { limits, packedBytes });
}

/** What no source tree may have, and besides what would be a way out on another system. */
function assertName(path: string, limits: CodeLimits): void {
  const problem = findPathProblem(path);
  if (problem !== null) throw unsafeEntry(path, problem);
  const advice = "Rename it, and pack the code again.";
  if (path.includes("\\")) throw unsafeEntry(path, "its name has a backslash", advice);
  if (/^[A-Za-z]:/.test(path)) throw unsafeEntry(path, "its path begins with a drive letter", advice);
  if (path.split("/").length > limits.depth) {
    throw unsafeEntry(
      path,
      `it lies more than ${limits.depth} folders deep`,
      "Use fewer folders in each other.",
    );
  }
}

/** Throws for a path that differs from an earlier one, or from a folder of one, only in case or composition. */
function createClashCheck(): (path: string) => void {
  const known = new Map<string, string>();
  return (path) => {
    for (let end = path.indexOf("/"); ; end = path.indexOf("/", end + 1)) {
      const part = end === -1 ? path : path.slice(0, end);
      const folded = part.normalize("NFC").toLowerCase().normalize("NFC");
      const earlier = known.get(folded);
      if (earlier !== undefined && earlier !== part) {
        throw unsafeEntry(path, `its name differs from ${JSON.stringify(earlier)} only in how it is written`);
      }
      known.set(folded, part);
      if (end === -1) return;
    }
  };
}

import { createHash } from "node:crypto";
import { BloomError, findSourceProblem, sourceEntry, type SourceEntry } from "@bloomery/contract";
import { z } from "zod";

/**
 * The one text of a tree, whatever order its entries came in: a header line, then one line per entry,
 * sorted by path. Its sha256 names the tree.
 */
export function formatManifest(entries: readonly SourceEntry[]): string {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const lines = sorted.map((entry) =>
    JSON.stringify(
      entry.kind === "file"
        ? {
            kind: "file",
            path: entry.path,
            executable: entry.executable,
            sha256: entry.sha256,
            size: entry.size,
          }
        : { kind: "link", path: entry.path, target: entry.target },
    ),
  );
  return ["bloomery source 1", ...lines, ""].join("\n");
}

export function hashManifest(manifest: string): string {
  return createHash("sha256").update(manifest).digest("hex");
}

/** The entries of a manifest that this daemon wrote; throws a ZodError or SyntaxError when it is damaged. */
export function parseManifest(manifest: string): readonly SourceEntry[] {
  const lines = manifest.split("\n").slice(1, -1);
  return z.array(sourceEntry).parse(lines.map((line): unknown => JSON.parse(line)));
}

/** Throws ERR_SOURCE_UNSAFE or ERR_SOURCE_TOO_LARGE naming the first entry that cannot be accepted. */
export function assertSafeSource(entries: readonly SourceEntry[]): void {
  const problem = findSourceProblem(entries);
  if (problem === null) return;
  const subject = problem.path === "" ? "the source" : `the entry ${JSON.stringify(problem.path)}`;
  throw new BloomError(
    problem.kind === "unsafe" ? "ERR_SOURCE_UNSAFE" : "ERR_SOURCE_TOO_LARGE",
    `${subject} is refused: ${problem.reason}`,
    { where: { file: problem.path }, details: { path: problem.path } },
  );
}

/** The distinct files of a tree by content: sha256 → size. */
export function listBlobs(entries: readonly SourceEntry[]): Map<string, number> {
  const blobs = new Map<string, number>();
  for (const entry of entries) if (entry.kind === "file") blobs.set(entry.sha256, entry.size);
  return blobs;
}

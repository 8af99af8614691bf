import { asTable, type TomlTable } from "../toml-table.js";
import type { CodeProblem } from "./code-problems.js";
import type { ManifestEdit } from "./edit-manifest.js";

export interface ProfilePlan {
  readonly edits: readonly ManifestEdit[];
  readonly notes: readonly string[];
  /** Looks where cargo finds settings that win over the manifest's. */
  findConflicts(sources: { read(path: string): string | undefined }): CodeProblem[];
}

/**
 * The release profile of a function. Panics must unwind: the SDK answers 500 to the one request and serves on, which a
 * program that aborts cannot. Symbols are of no use in the sandbox, and most of a small program.
 */
export function planProfile(manifest: TomlTable): ProfilePlan {
  const release = asTable(asTable(manifest["profile"])["release"]);
  const edits: ManifestEdit[] = [];
  const notes: string[] = [];
  if (release["strip"] === undefined && release["debug"] === undefined) {
    edits.push({ path: ["profile", "release", "strip"], value: true });
  }
  if (release["panic"] === "abort") {
    edits.push({ path: ["profile", "release", "panic"], value: "unwind" });
    notes.push(
      'took panic = "unwind" for "abort": a handler that panics answers 500 and the next request is served',
    );
  }
  return { edits, notes, findConflicts };
}

function findConflicts(sources: { read(path: string): string | undefined }): CodeProblem[] {
  return [".cargo/config.toml", ".cargo/config"].flatMap((file) => {
    const lines = (sources.read(file) ?? "").split("\n");
    const index = lines.findIndex((line) => /\bpanic\s*=\s*["']?abort/.test(line.replace(/^\s*#.*/, "")));
    if (index < 0) return [];
    const message =
      "a function cannot be built with panic = abort, or one panic would end all its requests; remove it";
    return [{ file, line: index + 1, column: 1, message }];
  });
}

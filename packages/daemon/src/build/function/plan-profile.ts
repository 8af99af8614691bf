import { asTable, type TomlTable } from "../toml-table.js";
import type { CodeProblem } from "./code-problems.js";
import type { ManifestEdit } from "./edit-manifest.js";

export interface ProfilePlan {
  readonly edits: readonly ManifestEdit[];
  readonly notes: readonly string[];
  /** Looks where cargo finds settings that win over the manifest's. */
  findConflicts(sources: { read(path: string): string | undefined }): CodeProblem[];
}

const reason = "a handler that panics answers 500 and the next request is served";

/**
 * The profiles of a function. Panics must unwind: the SDK answers 500 to the one request and serves on, which a
 * program that aborts cannot. Symbols are of no use in the sandbox, and most of a small program.
 */
export function planProfile(manifest: TomlTable): ProfilePlan {
  const profiles = asTable(manifest["profile"]);
  const release = asTable(profiles["release"]);
  const edits: ManifestEdit[] = [];
  const notes: string[] = [];
  if (release["strip"] === undefined && release["debug"] === undefined) {
    edits.push({ path: ["profile", "release", "strip"], value: true });
  }
  for (const [name, profile] of Object.entries(profiles)) {
    if (asTable(profile)["panic"] !== "abort") continue;
    edits.push({ path: ["profile", name, "panic"], value: "unwind" });
    notes.push(`took panic = "unwind" for "abort" in [profile.${name}]: ${reason}`);
  }
  return { edits, notes, findConflicts };
}

/** `panic = "abort"` of a profile, `"-C", "panic=abort"` and `-Cpanic=abort` among flags. */
const aborting = /(?:\b|-C)panic["']?\s*=\s*["']*abort/;

/** Variables that cargo obeys before any file. */
const ofProfile = /^CARGO_PROFILE_[A-Z0-9_]+_PANIC$/;
const ofFlags = /^(?:|CARGO_ENCODED_|CARGO_BUILD_|CARGO_TARGET_[A-Z0-9_]+_)RUSTFLAGS$/;

/** The variables of a function's build, in which no panic aborts. */
export function planUnwinding(variables: Readonly<Record<string, string>>): {
  readonly variables: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
} {
  const changed: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    if (ofProfile.test(name) && value.trim() === "abort") changed[name] = "unwind";
    if (ofFlags.test(name) && aborting.test(value))
      changed[name] = value.replaceAll("panic=abort", "panic=unwind");
  }
  return {
    variables: { ...variables, ...changed },
    notes: Object.keys(changed).map((name) => `took unwind for abort in the variable ${name}: ${reason}`),
  };
}

function findConflicts(sources: { read(path: string): string | undefined }): CodeProblem[] {
  return [".cargo/config.toml", ".cargo/config"].flatMap((file) => {
    const lines = (sources.read(file) ?? "").split("\n");
    const index = lines.findIndex((line) => aborting.test(line.replace(/^\s*#.*/, "")));
    if (index < 0) return [];
    const message =
      "a function cannot be built with panic = abort, or one panic would end all its requests; remove it";
    return [{ file, line: index + 1, column: 1, message }];
  });
}

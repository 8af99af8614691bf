import { BloomError, parentFolders, type SourceEntry } from "@bloomery/contract";

/** Never part of a build, at any depth. */
const leftOut = new Set([".git", "node_modules", "__pycache__", ".venv", "__MACOSX", ".DS_Store"]);

/** True for what tools leave in folders and no build wants. */
export function isLeftOut(path: string): boolean {
  return path.split("/").some((name) => leftOut.has(name) || name.startsWith("._"));
}

/**
 * The entries as a project: `Cargo.toml` at the root, looking through one folder that holds everything, and without
 * cargo's own output. Throws ERR_INVALID_ARGUMENT when nothing is left, ERR_MANIFEST_INVALID without a manifest.
 */
export function planRoot(entries: readonly SourceEntry[]): readonly SourceEntry[] {
  if (entries.length === 0) {
    throw new BloomError("ERR_INVALID_ARGUMENT", "the code is empty: it holds no file", {
      hint: "Send a folder or an archive with Cargo.toml and src/lib.rs, or one .rs file.",
    });
  }
  const root = findRoot(entries);
  if (root === null) throw withoutManifest(entries.map(({ path }) => path));
  return entries
    .map((entry) => ({ ...entry, path: entry.path.slice(root.length) }))
    .filter(({ path }) => !path.startsWith("target/"));
}

/** What stands before every path: nothing, or one folder with its slash; null when there is no manifest. */
function findRoot(entries: readonly SourceEntry[]): string | null {
  const has = (path: string): boolean => entries.some((entry) => entry.path === path);
  if (has("Cargo.toml")) return "";
  const [top] = parentFolders(entries[0]?.path ?? "");
  if (top === undefined || !has(`${top}/Cargo.toml`)) return null;
  return entries.every(({ path }) => path.startsWith(`${top}/`)) ? `${top}/` : null;
}

function withoutManifest(paths: readonly string[]): BloomError {
  const alike = paths.find((path) => path.toLowerCase() === "cargo.toml");
  const elsewhere = paths.filter((path) => path.endsWith("/Cargo.toml")).sort(byDepth);
  return new BloomError("ERR_MANIFEST_INVALID", "there is no Cargo.toml at the root of the code", {
    where: { file: alike ?? "Cargo.toml" },
    hint: adviseOn(paths, alike, elsewhere[0]),
    details: { found: elsewhere.slice(0, 10) },
  });
}

function adviseOn(
  paths: readonly string[],
  alike: string | undefined,
  elsewhere: string | undefined,
): string {
  if (alike !== undefined) return `Rename ${alike} to Cargo.toml.`;
  if (elsewhere !== undefined) {
    return `There is one at ${elsewhere}: send the folder ${elsewhere.slice(0, -"/Cargo.toml".length)} by itself.`;
  }
  if (paths.length === 1 && paths[0]?.endsWith(".rs") === true)
    return "Send the .rs file itself, not packed.";
  return "Put Cargo.toml beside the folder src; `cargo init --lib` writes one.";
}

function byDepth(a: string, b: string): number {
  return a.split("/").length - b.split("/").length || (a < b ? -1 : 1);
}

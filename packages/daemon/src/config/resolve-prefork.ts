import { preforkDefaults, type PreforkConfig, type PreforkSource, type Problem } from "@bloomery/contract";
import { normalizePath } from "./app-folder.js";
import { findLikelyInis, listInis } from "./find-ini.js";
import { findLibraries, findRustFiles } from "./find-rust-files.js";
import { isBroken, manifestProblem } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";
import { fileProblem } from "./source.js";
import { suggestNear } from "./suggest-near.js";

interface Resolved {
  /** Null when a problem says why. */
  readonly prefork: PreforkConfig | null;
  readonly problems: readonly Problem[];
}

interface Ini {
  readonly file: string;
  readonly section: string | null;
}

/**
 * Which ini, and what its library is made from. What the ini says is read by the host alone, which is asked when the
 * app is built.
 */
export function resolvePrefork(parts: ProjectParts, hook: string | null): Resolved {
  const { workers = null, threads = null } = parts.toml.data.prefork ?? {};
  const ini = resolveIni(parts);
  const source = resolveSource(parts, hook);
  const problems = [ini, source].flatMap((found) => ("problem" in found ? [found.problem] : []));
  if ("problem" in ini || "problem" in source) return { prefork: null, problems };
  return {
    prefork: { ini: ini.file, section: ini.section, workers, threads, source: source.source },
    problems,
  };
}

function resolveIni(parts: ProjectParts): Ini | { readonly problem: Problem } {
  const written = parts.toml.data.prefork?.ini;
  if (written !== undefined) return resolveNamed(parts, written);
  const { folder, toml } = parts;
  const [found, ...others] = findLikelyInis(folder);
  if (found !== undefined && others.length === 0) return { file: found.file, section: null };
  // What stands there is wrong, and said to be.
  if (isBroken(toml, ["prefork", "ini"])) return { file: preforkDefaults.ini, section: null };
  if (found === undefined) {
    const message =
      "a prefork app is described by an ini and there is none; `bloom init --shape prefork` writes one";
    return { problem: fileProblem(folder.inTree(preforkDefaults.ini), message) };
  }
  const names = [found, ...others].map(({ file }) => file).join(" and ");
  const message = `${names} both describe a prefork app; write \`ini = "${found.file}"\` below [prefork] in bloom.toml, or name one of them ${preforkDefaults.ini}`;
  return { problem: fileProblem(folder.inTree(found.file), message, found.place) };
}

/** `app.ini` or `app.ini:section`. */
function resolveNamed({ folder, toml }: ProjectParts, written: string): Ini | { readonly problem: Problem } {
  const refuse = (message: string): { readonly problem: Problem } => ({
    problem: manifestProblem(toml, "error", ["prefork", "ini"], message),
  });
  const [, path = written, section = null] = /^(.*?)(?::([^:/]*))?$/.exec(written) ?? [];
  const file = path.startsWith("/") ? null : normalizePath(path);
  if (file === null) return refuse("the ini must lie in the app's folder; write its path from there");
  if (folder.list().includes(file)) return { file, section: section === "" ? null : section };
  const near = suggestNear(file, listInis(folder));
  return refuse(
    `there is no file ${JSON.stringify(path)}${near === undefined ? "" : `; did you mean "${near}"?`}`,
  );
}

function resolveSource(
  { cargo, folder }: ProjectParts,
  hook: string | null,
): { readonly source: PreforkSource } | { readonly problem: Problem } {
  if (cargo.exists || cargo.isBroken) return checkCrates(cargo, hook);
  const files = findRustFiles(folder);
  if (files.length > 0) return { source: { kind: "files", files } };
  if (hook !== null || findLibraries(folder).length > 0) return { source: { kind: "prebuilt" } };
  const message =
    'there is nothing to serve: no Cargo.toml, no .rs file that begins with #![crate_type = "cdylib"], and no .so; `bloom init --shape prefork` writes a start';
  return { problem: fileProblem(folder.inTree("."), message) };
}

function checkCrates(
  { file, isBroken: isUnreadable, root, members }: ProjectParts["cargo"],
  hook: string | null,
): { readonly source: PreforkSource } | { readonly problem: Problem } {
  const packages = [...(root === null ? [] : [root]), ...members];
  const isFine =
    isUnreadable || hook !== null || packages.some(({ sharedLibrary }) => sharedLibrary !== null);
  if (isFine) return { source: { kind: "cargo" } };
  const message = 'no package here becomes a shared library; write crate-type = ["cdylib"] below [lib]';
  return { problem: fileProblem(file, message) };
}

import { posix, relative } from "node:path";
import { openAppFolder } from "../../config/app-folder.js";
import { loadCargoProject } from "../../config/cargo-project.js";
import { findRustFiles } from "../../config/find-rust-files.js";
import type { ProjectFiles } from "../../config/project-files.js";
import type { CodeProblem } from "../function/code-problems.js";
import { crateNameOf } from "./crate-name.js";
import type { ShownApp } from "../../config/parse-shown.js";
import { planLibraries, type LibraryPlan } from "./plan-libraries.js";

/** A library of a folder that is worked in, and everything it is made from. */
export interface LocalLibrary {
  /** From the folder, as all paths here. */
  readonly path: string;
  readonly made: Exclude<LibraryPlan["made"], { readonly from: "nothing" }>;
  /** When one of these is younger, the library is old. */
  readonly sources: readonly string[];
}

export interface LocalPlan {
  readonly libraries: readonly LocalLibrary[];
  readonly problems: readonly CodeProblem[];
}

/**
 * What can be made of those libraries that the ini names below this folder; the rules are those of a deploy. What lies
 * there with nothing to make it from is served as it lies there.
 */
export function planLocal(
  folder: string,
  project: ProjectFiles,
  wish: { readonly ini: string; readonly apps: readonly ShownApp[] },
): LocalPlan {
  const files = openAppFolder(project, "");
  const cargo = loadCargoProject(files);
  const rust = cargo.exists ? [] : findRustFiles(files);
  if (!cargo.exists && rust.length === 0) return { libraries: [], problems: [] };
  const paths = files.list();
  const packages = cargo.root === null ? cargo.members : [cargo.root, ...cargo.members];
  const { libraries, problems } = planLibraries(listInside(folder, wish.apps), {
    source: cargo.exists ? { kind: "cargo" } : { kind: "files", files: rust },
    hasHook: false,
    crates: packages.flatMap(({ sharedLibrary }) => sharedLibrary ?? []),
    nameOf: (file) => crateNameOf(file, files.read(file) ?? ""),
    has: (path) => paths.includes(path),
    placeOf: () => ({ file: wish.ini, line: 1, column: 1 }),
  });
  return {
    libraries: libraries.flatMap(({ path, made }): LocalLibrary[] =>
      made.from === "nothing" ? [] : [{ path, made, sources: listSources(made, paths) }],
    ),
    problems,
  };
}

/** As if the folder were the one that is deployed; what lies elsewhere is nobody's here to make. */
function listInside(folder: string, apps: readonly ShownApp[]): ShownApp[] {
  return apps.flatMap((app) => {
    const path = relative(folder, posix.resolve(folder, app.library));
    return path === "" || path.startsWith("..") ? [] : [{ ...app, library: `/app/${path}` }];
  });
}

function listSources(made: LocalLibrary["made"], paths: readonly string[]): readonly string[] {
  if (made.from === "crate") return paths.filter((path) => !/\.(?:so|ini)$/.test(path));
  // It may have modules beside it and below.
  const folder = posix.dirname(made.file);
  const start = folder === "." ? "" : `${folder}/`;
  return paths.filter((path) => path.startsWith(start) && path.endsWith(".rs"));
}

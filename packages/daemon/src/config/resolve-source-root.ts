import type { PlatformApp, Problem } from "@bloomery/contract";
import { folderOf, normalizePath } from "./app-folder.js";
import { applicationsFile } from "./list-apps.js";
import { isBroken, manifestProblem, type ManifestFile } from "./manifest-file.js";
import type { ProjectFiles } from "./project-files.js";

interface Resolved {
  /** Without slashes at its ends; "" is the tree itself. */
  readonly root: string;
  readonly problems: readonly Problem[];
}

/** The app's folder in the tree: `source.root`, else where the manifest lies. */
export function resolveSourceRoot(files: ProjectFiles, yaml: ManifestFile<PlatformApp>): Resolved {
  const { file } = yaml;
  const standard = file === applicationsFile ? "" : folderOf(file);
  const written = yaml.data.source?.root;
  if (written === undefined) {
    const isMissing = file === applicationsFile && !isBroken(yaml, ["source", "root"]);
    return { root: standard, problems: isMissing ? [noRoot(yaml)] : [] };
  }
  const problem = (message: string): Problem => manifestProblem(yaml, "error", ["source", "root"], message);
  const root = normalizePath(written);
  if (root === null)
    return {
      root: standard,
      problems: [problem("the folder must be inside the repository; write it from the repository's top")],
    };
  if (root === "" || files.list().some((path) => path.startsWith(`${root}/`))) return { root, problems: [] };
  const message = `there is no folder "${root}" in the source; write it from the repository's top, or remove the key`;
  return { root: standard, problems: [problem(message)] };
}

function noRoot(yaml: ManifestFile<PlatformApp>): Problem {
  const message =
    'the app\'s folder is missing, so it is the top of the repository; write "source: { root: / }"';
  return manifestProblem(yaml, "warning", ["source", "root"], message);
}

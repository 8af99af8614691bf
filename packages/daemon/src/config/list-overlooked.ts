import type { Problem } from "@bloomery/contract";
import { folderOf, joinPath } from "./app-folder.js";
import { appFileName, applicationsFile, type AppList } from "./list-apps.js";
import { ignoredFolders, type ProjectFiles } from "./project-files.js";
import { fileProblem } from "./source.js";

/** Nobody reads more of them, and a tree of test projects may have thousands. */
const mostNamed = 5;

/** A manifest's name, nearly: without its dot, or with the other ending. */
const nearAppFile = /(?:^|\/)(?:\.?platform\.app\.yml|platform\.app\.yaml)$/;
const nearApplications = /^\.platform\/applications?\.ya?ml$/;
const upsunFile = /^\.upsun\/[^/]+\.ya?ml$/;

/** What of the chosen app matters here. */
export interface Chosen {
  /** Folders whose files may belong to the app. */
  readonly folders: readonly string[];
  /** Whether a manifest describes it. */
  readonly hasManifest: boolean;
}

/** Files somebody meant to be read that are not, or that say nothing; null for `chosen`: of the whole tree. */
export function listOverlooked(files: ProjectFiles, listed: AppList, chosen: Chosen | null): Problem[] {
  const paths = files.list().filter((path) => !path.split("/").some((step) => ignoredFolders.has(step)));
  const has = new Set(paths);
  const misnamed = paths
    .filter((path) => nearAppFile.test(path) && !has.has(joinPath(folderOf(path), appFileName)))
    .filter((path) => chosen === null || chosen.folders.includes(folderOf(path)))
    .map((path) => notRead(path, `rename it to ${appFileName}`));
  const applications = paths
    .filter((path) => nearApplications.test(path) && !has.has(applicationsFile))
    .map((path) => notRead(path, `rename it to ${applicationsFile}`));
  // Beside a manifest they are meant for somebody else.
  if (chosen?.hasManifest === true) return [...misnamed, ...applications].slice(0, mostNamed);
  const upsun = paths
    .filter((path) => upsunFile.test(path))
    .map((path) => notRead(path, `write what it says of the app into ${appFileName}`));
  return [...emptyApplications(files, listed), ...misnamed, ...applications, ...upsun].slice(0, mostNamed);
}

/** There, without a mistake and without an app. */
function emptyApplications(files: ProjectFiles, { apps, problems }: AppList): Problem[] {
  const isRead = problems.length > 0 || apps.some(({ file }) => file === applicationsFile);
  if (isRead || files.read(applicationsFile) === undefined) return [];
  const message = `no app is described here; write "my-app: { type: rust:1 }", or remove the file`;
  return [{ ...fileProblem(applicationsFile, message), severity: "warning" }];
}

function notRead(file: string, advice: string): Problem {
  return { ...fileProblem(file, `this file is not read; ${advice}`), severity: "warning" };
}

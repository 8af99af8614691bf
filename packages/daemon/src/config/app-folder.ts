import type { ProjectFiles } from "./project-files.js";

/** The app's own folder of a project's tree; paths begin there. */
export interface AppFolder extends ProjectFiles {
  /** From the tree's top, without slashes at its ends; "" is the top itself. */
  readonly root: string;
  /** A path of this folder as a path of the tree, for messages. */
  inTree(path: string): string;
}

/** The part of a tree below `root`. */
export function openAppFolder(files: ProjectFiles, root: string): AppFolder {
  const inTree = (path: string): string => joinPath(root, path);
  const start = root === "" ? "" : `${root}/`;
  let paths: readonly string[] | undefined;
  return {
    root,
    inTree,
    list: () =>
      (paths ??= files
        .list()
        .filter((path) => path.startsWith(start))
        .map((path) => path.slice(start.length))),
    read: (path) => files.read(inTree(path)),
  };
}

/** The folder a path lies in, "" for the top. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** A path below a folder of the tree. */
export function joinPath(folder: string, path: string): string {
  return folder === "" ? path : `${folder}/${path}`;
}

/**
 * A relative path without `.`, doubled slashes and slashes at its ends; "" is where it starts. Null when a `..` would
 * leave its start.
 */
export function normalizePath(path: string): string | null {
  const steps: string[] = [];
  for (const step of path.split("/")) {
    if (step === "" || step === ".") continue;
    if (step !== "..") steps.push(step);
    else if (steps.pop() === undefined) return null;
  }
  return steps.join("/");
}

import { readdir } from "node:fs/promises";
import { dirname, relative, sep } from "node:path";

/** What is uploaded, and where in it the command was meant to be run. */
export interface ProjectRoot {
  readonly root: string;
  /** Relative to the root with slashes, "" for the root itself. */
  readonly folder: string;
}

/** A folder with one of these, or with the ini of a prefork app, can be deployed without anything around it. */
const manifests = [".platform.app.yaml", "bloom.toml", "Cargo.toml"];

/**
 * The project that a folder belongs to: the nearest folder upward with `.platform/`; without one the folder itself
 * when it has a manifest of its own (a home folder under git is no project), else the nearest with `.git`.
 * `.git` is as far up as it looks.
 */
export async function findProjectRoot(start: string): Promise<ProjectRoot> {
  let repository: string | undefined;
  for (let at = start; ; at = dirname(at)) {
    const names = await listNames(at);
    if (names.has(".platform")) return planRoot(at, start);
    if (names.has(".git")) repository = at;
    if (repository !== undefined || at === dirname(at)) break;
  }
  const own = await listNames(start);
  const isWhole = manifests.some((name) => own.has(name)) || (await hasIni(start, own));
  return planRoot(isWhole || repository === undefined ? start : repository, start);
}

function planRoot(root: string, start: string): ProjectRoot {
  return { root, folder: relative(root, start).split(sep).join("/") };
}

/** Whether an ini here describes a prefork app, which needs nothing else. */
async function hasIni(folder: string, names: ReadonlySet<string>): Promise<boolean> {
  const inis = [...names].filter((name) => name.endsWith(".ini"));
  if (inis.length === 0) return false;
  const { findInis, openProjectFolder } = await import("@bloomery/daemon/config");
  const { read } = openProjectFolder(folder);
  return findInis({ list: () => inis, read }).length > 0;
}

async function listNames(folder: string): Promise<ReadonlySet<string>> {
  return new Set(await readdir(folder).catch(() => []));
}

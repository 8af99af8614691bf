import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { BuildFolders } from "../build-folders.js";
import { parseLockfile } from "../templates/parse-lockfile.js";

/**
 * True when everything of a lockfile lies downloaded and unpacked in these folders. They are written by nothing but
 * fetching, so a build may read them in place of its own: it downloads nothing, and keeps nothing.
 */
export async function hasCrates(folders: Pick<BuildFolders, "registry">, lockfile: string): Promise<boolean> {
  const wanted = parseLockfile(lockfile)?.filter(({ source }) => source !== null) ?? [];
  const found = new Set<string>();
  const sources = join(folders.registry, "src");
  for (const registry of await list(sources)) {
    for (const name of await list(join(sources, registry))) found.add(name);
  }
  return wanted.length > 0 && wanted.every(({ name, version }) => found.has(`${name}-${version}`));
}

const list = (path: string): Promise<string[]> => readdir(path).catch(() => []);

import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

/**
 * Paths of mounts that hide something the build made, in order. An artifact holds an empty folder for each
 * mount, so a mount's own folder and those on the way to others do not count.
 */
export async function findHiddenByMounts(
  artifactDir: string,
  mounts: Readonly<Record<string, unknown>>,
): Promise<readonly string[]> {
  const paths = Object.keys(mounts).sort();
  const hides: string[] = [];
  for (const path of paths) if (await holdsContent(artifactDir, path, paths)) hides.push(path);
  return hides;
}

async function holdsContent(root: string, folder: string, mounts: readonly string[]): Promise<boolean> {
  const found = await lstat(join(root, folder)).catch(() => undefined);
  if (found === undefined) return false;
  // A file or a link where the mount is to be.
  if (!found.isDirectory()) return true;
  for (const name of await readdir(join(root, folder))) {
    const path = `${folder}/${name}`;
    if (mounts.includes(path)) continue;
    const leadsOn = mounts.some((mount) => mount.startsWith(`${path}/`));
    if (!leadsOn || (await holdsContent(root, path, mounts))) return true;
  }
  return false;
}

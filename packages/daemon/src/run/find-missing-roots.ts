import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { LocationConfig } from "@bloomery/contract";

/** A location whose folder of files is not there. */
export interface MissingRoot {
  readonly location: string;
  readonly root: string;
}

/** Locations with a root that is no folder of the artifact; what lies in a mount may come later. */
export async function findMissingRoots(
  artifactDir: string,
  locations: Readonly<Record<string, Pick<LocationConfig, "root">>>,
  mounts: Readonly<Record<string, unknown>>,
): Promise<readonly MissingRoot[]> {
  const missing: MissingRoot[] = [];
  for (const [location, { root }] of Object.entries(locations)) {
    if (root === null || isInMount(root, mounts)) continue;
    const found = await stat(join(artifactDir, root)).catch(() => undefined);
    if (found?.isDirectory() !== true) missing.push({ location, root });
  }
  return missing;
}

function isInMount(root: string, mounts: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(mounts).some((mount) => `${root}/`.startsWith(`${mount}/`));
}

import type { BigIntStats } from "node:fs";
import { lstat, readlink } from "node:fs/promises";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { isCargoCache, listNames, openFolder } from "./find-entries.js";
import type { TargetLayer } from "./plan-build-sandbox.js";
import { isCargoIntermediate, type OutputEntry } from "./plan-collect.js";

/**
 * Lists what a build left in its work folder, without cargo's intermediates and without .git, never following
 * a link. Throws ERR_BUILD_OUTPUT_UNSAFE for names that are not UTF-8 or too deep to be named.
 */
export async function findOutput(
  workDir: string,
  options: { readonly isRoot: boolean; readonly targetLayer?: TargetLayer | null },
): Promise<OutputEntry[]> {
  const found: OutputEntry[] = [];
  const { targetLayer = null } = options;
  const locate = locateIn(workDir, targetLayer);

  const visit = async (folder: string, cacheRoot: string | null): Promise<void> => {
    const { names, odd } = await listNames(locate(folder)).catch((cause: unknown) => refuse(folder, cause));
    if (odd.length > 0) throw unsafe(folder, "it holds a name that is not UTF-8");
    for (const name of names.sort()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (name === ".git" || (cacheRoot !== null && isCargoIntermediate(path.slice(cacheRoot.length + 1))))
        continue;
      const full = locate(path);
      const stat = await lstat(full, { bigint: true }).catch((cause: unknown) => refuse(path, cause));
      if (targetLayer !== null && isWhiteout(path, stat)) continue;
      const target = stat.isSymbolicLink() ? await readlink(full) : null;
      found.push({ path, kind: kindOf(stat), mode: Number(stat.mode) & 0o777, target });
      if (!stat.isDirectory()) continue;
      if (!options.isRoot) await openFolder(full, stat);
      const isLayer = targetLayer !== null && path === layerFolder;
      const startsCache = cacheRoot === null && (isLayer || (await isCargoCache(full)));
      await visit(path, startsCache ? path : cacheRoot);
    }
  };
  await visit("", null);
  return found;
}

/** Where cargo's target folder may lie over a template. */
const layerFolder = "target";

/**
 * The place of an output on the host. A template holds nothing but cargo's intermediates, which are not looked at:
 * of the two layers of a target folder the upper one is enough.
 */
export function locateIn(workDir: string, targetLayer: TargetLayer | null): (path: string) => string {
  return (path) => {
    if (targetLayer === null || (path !== layerFolder && !path.startsWith(`${layerFolder}/`)))
      return join(workDir, path);
    return join(targetLayer.upper, path.slice(layerFolder.length));
  };
}

/** How an overlay's upper layer says that something below is gone. */
function isWhiteout(path: string, stat: BigIntStats): boolean {
  return path.startsWith(`${layerFolder}/`) && stat.isCharacterDevice() && stat.rdev === 0n;
}

function kindOf(stat: BigIntStats): OutputEntry["kind"] {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "folder";
  if (stat.isSymbolicLink()) return "link";
  if (stat.isSocket()) return "socket";
  return stat.isFIFO() ? "fifo" : "device";
}

function refuse(path: string, cause: unknown): never {
  if ((cause as NodeJS.ErrnoException).code === "ENAMETOOLONG")
    throw unsafe(path, "its folders are nested too deeply");
  throw cause;
}

export function unsafe(path: string, reason: string): BloomError {
  return new BloomError("ERR_BUILD_OUTPUT_UNSAFE", `the build left ${JSON.stringify(path)}: ${reason}`, {
    details: { path },
  });
}

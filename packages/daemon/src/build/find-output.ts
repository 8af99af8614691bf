import type { BigIntStats } from "node:fs";
import { lstat, readlink } from "node:fs/promises";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { isCargoCache, listNames, openFolder } from "./find-entries.js";
import { isCargoIntermediate, type OutputEntry } from "./plan-collect.js";

/**
 * Lists what a build left in its work folder, without cargo's intermediates and without .git, never following
 * a link. Throws ERR_BUILD_OUTPUT_UNSAFE for names that are not UTF-8 or too deep to be named.
 */
export async function findOutput(
  workDir: string,
  options: { readonly isRoot: boolean },
): Promise<OutputEntry[]> {
  const found: OutputEntry[] = [];

  const visit = async (folder: string, cacheRoot: string | null): Promise<void> => {
    const { names, odd } = await listNames(join(workDir, folder)).catch((cause: unknown) =>
      refuse(folder, cause),
    );
    if (odd.length > 0) throw unsafe(folder, "it holds a name that is not UTF-8");
    for (const name of names.sort()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (name === ".git" || (cacheRoot !== null && isCargoIntermediate(path.slice(cacheRoot.length + 1))))
        continue;
      const full = join(workDir, path);
      const stat = await lstat(full, { bigint: true }).catch((cause: unknown) => refuse(path, cause));
      const target = stat.isSymbolicLink() ? await readlink(full) : null;
      found.push({ path, kind: kindOf(stat), mode: Number(stat.mode) & 0o777, target });
      if (!stat.isDirectory()) continue;
      if (!options.isRoot) await openFolder(full, stat);
      const startsCache = cacheRoot === null && (await isCargoCache(full));
      await visit(path, startsCache ? path : cacheRoot);
    }
  };
  await visit("", null);
  return found;
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

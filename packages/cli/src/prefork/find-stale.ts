import { statSync } from "node:fs";
import { join } from "node:path";

/** Those that are not there, or older than something they are made from. */
export function findStale<T extends { readonly path: string; readonly sources: readonly string[] }>(
  folder: string,
  libraries: readonly T[],
): T[] {
  const ageOf = (path: string): number =>
    statSync(join(folder, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return libraries.filter(({ path, sources }) => {
    const made = ageOf(path);
    return made === 0 || sources.some((source) => ageOf(source) > made);
  });
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import ignore, { type Ignore } from "ignore";

/** The rules of one folder's ignore files, for paths below it. */
export interface IgnoreRules {
  readonly prefix: string;
  readonly rules: Ignore;
}

/** `.gitignore`, then `.bloomignore`, which may take back what the first says; nothing when neither is there. */
export async function readIgnoreRules(root: string, folder: string): Promise<IgnoreRules[]> {
  const texts = await Promise.all(
    [".gitignore", ".bloomignore"].map((name) => readFile(join(root, folder, name), "utf8").catch(() => "")),
  );
  const text = texts.join("\n");
  if (text.trim() === "") return [];
  return [{ prefix: folder === "" ? "" : `${folder}/`, rules: ignore().add(text) }];
}

/** The innermost file that says something about a path decides, as in git. */
export function isLeftOut(path: string, isFolder: boolean, scopes: readonly IgnoreRules[]): boolean {
  for (const { prefix, rules } of scopes.toReversed()) {
    const verdict = rules.test(path.slice(prefix.length) + (isFolder ? "/" : ""));
    if (verdict.ignored) return true;
    if (verdict.unignored) return false;
  }
  return false;
}

import { lchown, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parentFolders } from "@bloomery/contract";
import type { BuildFolders } from "../build-folders.js";
import type { BuildUser } from "../build-user.js";
import { prepareEtc, prepareFolders } from "../prepare-build.js";
import { removeTree } from "../remove-tree.js";
import type { TemplatePlan } from "./plan-template.js";

/** Fills the job's folders anew. Of the job before, only what cargo downloaded stays. */
export async function prepareJob(
  folders: BuildFolders,
  plan: TemplatePlan,
  user: BuildUser | null,
): Promise<void> {
  await clearJob(folders);
  await mkdir(dirname(folders.root), { recursive: true, mode: 0o700 });
  await prepareFolders(folders, user);
  await prepareEtc(folders, user);
  const made = new Set<string>();
  for (const [path, text] of plan.files) {
    for (const folder of parentFolders(path)) {
      if (made.has(folder)) continue;
      made.add(folder);
      await mkdir(join(folders.app, folder));
      await give(join(folders.app, folder), user);
    }
    await writeFile(join(folders.app, path), text, { flag: "wx", mode: 0o644 });
    await give(join(folders.app, path), user);
  }
}

/** A build script may have left anything in its home, which the next job must not find. */
export async function clearJob(folders: BuildFolders): Promise<void> {
  for (const folder of [folders.app, folders.home, folders.etc]) await removeTree(folder);
}

async function give(path: string, user: BuildUser | null): Promise<void> {
  if (user !== null) await lchown(path, user.uid, user.gid);
}

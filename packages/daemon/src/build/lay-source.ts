import { constants } from "node:fs";
import {
  chmod,
  copyFile,
  lchown,
  lstat,
  mkdir,
  readFile,
  rename,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { BloomError, type SourceEntry } from "@bloomery/contract";
import type { BuildUser } from "./build-user.js";
import { findEntries, folderMode, stampOf } from "./find-entries.js";
import { forEachLimited } from "./for-each-limited.js";
import { contentKey, planLay, wantedFolders, type LaidFile, type LaidTree } from "./plan-lay.js";
import { removeTree } from "./remove-tree.js";
import type { SourceTree } from "./source-store.js";

export interface LayResult {
  readonly written: number;
  readonly removed: number;
  readonly kept: number;
}

/**
 * Makes `workDir` hold exactly the tree (plus cargo's caches), touching only what differs. `recordFile` lies
 * outside of it and remembers what was laid. No build may be running in the folder.
 */
export async function laySource(options: {
  readonly tree: SourceTree;
  readonly workDir: string;
  readonly recordFile: string;
  /** Owner of everything laid; null: the daemon's own user. */
  readonly user: BuildUser | null;
}): Promise<LayResult> {
  const { tree, workDir, recordFile, user } = options;
  await ensureRoot(workDir, user);
  const previous = await loadRecord(recordFile);
  const wanted = new Set([...tree.entries.map((entry) => entry.path), ...wantedFolders(tree.entries)]);
  const found = await findEntries(workDir, wanted, user);
  const plan = planLay(previous, tree.entries, found.entries);

  for (const name of found.unnamable) await removeTree(Buffer.concat([Buffer.from(`${workDir}/`), name]));
  for (const path of plan.remove) await removeTree(join(workDir, path));
  for (const path of plan.repair) await own(join(workDir, path), folderMode, user);
  await makeFolders(workDir, plan.write, user);
  const files = new Map<string, LaidFile>();
  for (const entry of plan.keep) {
    files.set(entry.path, {
      content: contentKey(entry),
      stamp: previous?.files.get(entry.path)?.stamp ?? "",
    });
  }
  await forEachLimited(plan.write, 8, async (entry) => {
    files.set(entry.path, { content: contentKey(entry), stamp: await writeEntry(entry, options) });
  });
  if (plan.write.length + plan.remove.length > 0 || previous?.tree !== tree.tree) {
    await saveRecord(recordFile, { tree: tree.tree, files });
  }
  return { written: plan.write.length, removed: plan.remove.length, kept: plan.keep.length };
}

/** Writes beside and renames over: a planted link or hard link is replaced, never written through. */
async function writeEntry(
  entry: SourceEntry,
  { tree, workDir, user }: { tree: SourceTree; workDir: string; user: BuildUser | null },
): Promise<string> {
  const path = join(workDir, entry.path);
  const temp = join(dirname(path), `.bloomery-${process.pid}-${nextTemp++}`);
  if (entry.kind === "link") {
    await symlink(entry.target, temp);
    if (user !== null) await lchown(temp, user.uid, user.gid);
  } else {
    await copyFile(tree.blobPath(entry.sha256), temp, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await own(temp, entry.executable ? 0o755 : 0o644, user);
  }
  await rename(temp, path);
  return stampOf(await lstat(path, { bigint: true }));
}

let nextTemp = 0;

/** Makes the folders of these entries one level at a time, refusing to pass through anything but a folder. */
async function makeFolders(
  workDir: string,
  entries: readonly SourceEntry[],
  user: BuildUser | null,
): Promise<void> {
  for (const folder of [...wantedFolders(entries)].sort()) {
    const path = join(workDir, folder);
    const found = await lstat(path).catch(() => null);
    if (found === null) {
      await mkdir(path);
      await own(path, folderMode, user);
    } else if (!found.isDirectory()) {
      throw new BloomError("ERR_INTERNAL", `${path} changed while the source was laid out`);
    }
  }
}

async function ensureRoot(workDir: string, user: BuildUser | null): Promise<void> {
  await mkdir(workDir, { recursive: true });
  await own(workDir, folderMode, user);
}

/** Owner first: changing it would clear bits of the mode. */
async function own(path: string, mode: number, user: BuildUser | null): Promise<void> {
  if (user !== null) await lchown(path, user.uid, user.gid);
  await chmod(path, mode);
}

/** Null when there is none or it cannot be read: then everything is written again. */
async function loadRecord(file: string): Promise<LaidTree | null> {
  try {
    const record = JSON.parse(await readFile(file, "utf8")) as { tree: string; files: [string, LaidFile][] };
    return { tree: record.tree, files: new Map(record.files) };
  } catch {
    return null;
  }
}

async function saveRecord(file: string, record: LaidTree): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify({ tree: record.tree, files: [...record.files] }), {
    mode: 0o600,
  });
  await rename(`${file}.new`, file);
}

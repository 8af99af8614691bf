import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildFolders } from "./build-folders.js";
import { compareVersions } from "./plan-toolchain.js";

type Folders = Pick<BuildFolders, "app" | "fetched" | "lockedBy">;

/**
 * Removes the lockfile that an earlier build generated when that had a newer toolchain: an older cargo may not be able
 * to read it, or to compile what it names. A newer one goes on with the versions that are known to work.
 */
export async function dropNewerLockfile(folders: Folders, toolchain: string): Promise<void> {
  const earlier = await readFile(folders.lockedBy, "utf8").catch(() => toolchain);
  if (compareVersions(toolchain, earlier) < 0) {
    await rm(join(folders.app, "Cargo.lock"), { recursive: true, force: true });
    await rm(folders.fetched, { force: true });
  }
  await writeFile(folders.lockedBy, toolchain, { mode: 0o600 });
}

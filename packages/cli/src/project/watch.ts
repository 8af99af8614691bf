import { watch, type FSWatcher } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { listPaths } from "./walk.js";

/** Tells that something in a project has changed. */
export interface ProjectWatch {
  /** Resolves when something has changed since the last call, and it is quiet again. Throws the signal's reason. */
  next(signal: AbortSignal): Promise<void>;
  close(): void;
}

/** An editor or a branch switch writes many files at once. */
const defaultQuietMs = 200;

interface Watched {
  /** Which folder of this name it is: numbers of removed ones are used again. */
  readonly identity: string;
  readonly watcher: FSWatcher;
}

/**
 * Watches every folder that belongs to a source; what is ignored costs nothing. Throws ERR_LIMIT_REACHED when the
 * kernel allows no more watches.
 */
export async function watchProject(root: string, quietMs = defaultQuietMs): Promise<ProjectWatch> {
  const watched = new Map<string, Watched>();
  let isClosed = false;
  let isChanged = false;
  let failure: unknown;
  let wake = (): void => undefined;
  let timer: NodeJS.Timeout | undefined;

  const drop = (folder: string): void => {
    watched.get(folder)?.watcher.close();
    watched.delete(folder);
  };
  /** Folders come and go; one of the same name may be another. */
  const refresh = async (): Promise<void> => {
    const listed = await listPaths(root).catch(() => undefined);
    // A tree that cannot be listed now is the deploy's to explain; what is watched goes on.
    if (listed === undefined) return;
    const folders = new Set(listed.folders);
    for (const folder of watched.keys()) if (!folders.has(folder)) drop(folder);
    for (const folder of folders) {
      const stat = await lstat(join(root, folder)).catch(() => undefined);
      if (isClosed || stat === undefined) continue;
      const known = watched.get(folder);
      const identity = `${stat.ino} ${stat.birthtimeMs}`;
      if (known?.identity === identity) continue;
      drop(folder);
      const watcher = watchFolder(join(root, folder), notice);
      if (watcher !== undefined) watched.set(folder, { identity, watcher });
    }
  };
  const settle = async (): Promise<void> => {
    await refresh().catch((error: unknown) => (failure = error));
    isChanged = true;
    wake();
  };
  const notice = (): void => {
    clearTimeout(timer);
    if (!isClosed) timer = setTimeout(() => void settle(), quietMs);
  };

  const close = (): void => {
    isClosed = true;
    clearTimeout(timer);
    for (const folder of watched.keys()) drop(folder);
  };
  await refresh().catch((error: unknown) => {
    close();
    throw error;
  });
  return {
    async next(signal) {
      signal.throwIfAborted();
      if (!isChanged) {
        const stop = (): void => wake();
        signal.addEventListener("abort", stop, { once: true });
        await new Promise<void>((resolve) => (wake = resolve));
        signal.removeEventListener("abort", stop);
        signal.throwIfAborted();
      }
      isChanged = false;
      if (failure !== undefined) throw failure;
    },
    close,
  };
}

/** Nothing for a folder that has just vanished. */
function watchFolder(path: string, notice: () => void): FSWatcher | undefined {
  try {
    return watch(path, notice).on("error", notice);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOSPC" && code !== "EMFILE") return undefined;
    throw new BloomError(
      "ERR_LIMIT_REACHED",
      `${path} cannot be watched: the kernel allows no more watches`,
      {
        hint: "sudo sysctl -w fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512",
      },
    );
  }
}

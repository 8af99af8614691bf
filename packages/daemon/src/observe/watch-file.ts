import { watch } from "node:fs";
import { basename, dirname } from "node:path";

/**
 * Calls back when a file, or a predecessor of it, may have more to read. The folder is watched, because a name is
 * not a file: logs are rotated. Where the system has no watch left nothing is told, and only looking helps.
 */
export function watchFile(file: string, changed: () => void): () => void {
  const name = basename(file);
  try {
    const watcher = watch(dirname(file), { persistent: false }, (_event, changedName) => {
      if (changedName === null || changedName.startsWith(name)) changed();
    });
    watcher.on("error", () => undefined); // the folder went away
    return () => watcher.close();
  } catch {
    return () => undefined;
  }
}

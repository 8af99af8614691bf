import { open, readFile, rm } from "node:fs/promises";
import { BloomError } from "@bloomery/contract";
import { readProcessStart } from "./run/process-start.js";

/**
 * Makes sure that one daemon at a time works in a home. The lock file names the holder by pid and start time,
 * so that a lock whose holder is gone, or whose pid belongs to somebody else by now, is known to be stale.
 * Returns the release. Throws ERR_DAEMON_RUNNING.
 */
export async function acquireHomeLock(file: string): Promise<() => Promise<void>> {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const handle = await open(file, "wx", 0o600);
      await handle.writeFile(
        JSON.stringify({ pid: process.pid, start: await readProcessStart(process.pid) }),
      );
      await handle.close();
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = parseHolder(await readFile(file, "utf8").catch(() => ""));
    if (holder !== undefined && (await readProcessStart(holder.pid)) === holder.start) {
      throw new BloomError("ERR_DAEMON_RUNNING", `a daemon (pid ${holder.pid}) already works in this home`, {
        details: { pid: holder.pid, lock: file },
      });
    }
    await rm(file, { force: true });
  }
  throw new BloomError("ERR_DAEMON_RUNNING", `${file} is being fought over by several daemons`);
}

function parseHolder(text: string): { pid: number; start: string } | undefined {
  try {
    const { pid, start } = JSON.parse(text) as { pid?: unknown; start?: unknown };
    return typeof pid === "number" && typeof start === "string" ? { pid, start } : undefined;
  } catch {
    return undefined;
  }
}

import { open, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { BloomError } from "@bloomery/contract";
import { askGeneration, countAcceptingWorkers, findMaster } from "./ask-generation.js";
import { findComplaint } from "./nginx-config-file.js";
import type { NginxPaths } from "./nginx-paths.js";

const limitMs = 15_000;
/** Asking is cheap, and somebody waits for the answer. */
const longestPauseMs = 10;

/** Where the error log ends now; complaints after it belong to what is done next. */
export async function markErrorLog(paths: NginxPaths): Promise<number> {
  return stat(paths.errorLog).then(
    (found) => found.size,
    () => 0,
  );
}

/**
 * Resolves when every worker that accepts connections has this configuration. Throws ERR_NGINX_START with
 * nginx's words as soon as it logs why it cannot, or after 15 s.
 */
export async function waitInForce(
  paths: NginxPaths,
  generation: string,
  text: string,
  logMark: number,
): Promise<void> {
  const workers = Number(/^worker_processes (\d+);$/m.exec(text)?.[1] ?? 1);
  const end = Date.now() + limitMs;
  // nginx tells nobody when a reload is done, so it is asked until it is.
  for (let pause = 2; Date.now() < end; pause = Math.min(pause * 2, longestPauseMs)) {
    if ((await askGeneration(paths)) === generation) {
      const master = await findMaster(paths);
      // New workers answer while old ones still accept; the old ones change their title when they stop.
      if (master !== undefined && (await countAcceptingWorkers(master)) <= workers) return;
    } else {
      const complaint = findComplaint(await readFrom(paths.errorLog, logMark));
      if (complaint !== undefined)
        throw new BloomError("ERR_NGINX_START", `nginx could not take its configuration: ${complaint}`);
    }
    await delay(pause);
  }
  throw new BloomError(
    "ERR_NGINX_START",
    `nginx did not answer with configuration ${generation} within ${limitMs / 1000} s`,
  );
}

/** At most the last 64 KiB after `from`; from the start when the log was rotated meanwhile. */
async function readFrom(file: string, from: number): Promise<string> {
  const handle = await open(file, "r").catch(() => undefined);
  if (handle === undefined) return "";
  try {
    const { size } = await handle.stat();
    const start = Math.max(size < from ? 0 : from, size - 65_536);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

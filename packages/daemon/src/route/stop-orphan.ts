import { setTimeout as delay } from "node:timers/promises";
import { BloomError } from "@bloomery/contract";
import { findMaster } from "./ask-generation.js";
import type { NginxPaths } from "./nginx-paths.js";

/** Ends an nginx of this home whose shim is gone: nobody would restart it, and it holds the port. */
export async function stopOrphan(paths: NginxPaths): Promise<void> {
  const pid = await findMaster(paths);
  if (pid === undefined) return;
  for (const [signal, limitMs] of [
    ["SIGQUIT", 2000],
    ["SIGTERM", 2000],
  ] as const) {
    process.kill(pid, signal);
    for (const end = Date.now() + limitMs; Date.now() < end; await delay(20)) {
      if ((await findMaster(paths)) !== pid) return;
    }
  }
  throw new BloomError(
    "ERR_NGINX_START",
    `an nginx of this home without a supervisor (pid ${pid}) does not end`,
  );
}

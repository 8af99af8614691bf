import { readdir, readFile, rmdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { join } from "node:path";
import { cgroupBases, type CgroupLayout } from "./plan-cgroups.js";

/** Kills every process in these groups, again until none is left (bounded: 2 s). */
export async function killGroups(paths: readonly string[]): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const pids = new Set<number>();
    for (const path of paths) for (const pid of await readPids(path)) pids.add(pid);
    if (pids.size === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // gone between reading and killing
      }
    }
    // The kernel gives no event for an emptied v1 group; a killed process leaves within milliseconds.
    await delay(20);
  }
}

/** Removes empty groups; one that is missing or not empty is left as it is. */
export async function removeGroups(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rmdir(path).catch(() => undefined);
}

/**
 * Ends and removes every group below the daemon's own that is not named in `keep`: what a build leaves when its
 * daemon is killed. With nothing to keep, the daemon's own groups go too.
 */
export async function sweepGroups(layout: CgroupLayout, keep: ReadonlySet<string>): Promise<void> {
  for (const base of cgroupBases(layout)) {
    const entries = await readdir(base, { withFileTypes: true }).catch(() => []);
    const strays = entries.filter((entry) => entry.isDirectory() && !keep.has(entry.name));
    const paths = strays.map((entry) => join(base, entry.name));
    await killGroups(paths);
    await removeGroups(keep.size === 0 ? [...paths, base] : paths);
  }
}

async function readPids(path: string): Promise<number[]> {
  const text = await readFile(join(path, "cgroup.procs"), "utf8").catch(() => "");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
}

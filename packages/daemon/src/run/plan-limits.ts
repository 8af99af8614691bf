import type { CgroupSpec, LimitsConfig, ShimSpec } from "@bloomery/contract";

const megabyte = 1_048_576;

/** What decides the limits of one process tree besides its config. */
export interface LimitFacts {
  /** Null: everything runs as the daemon's own user. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  readonly cgroups: readonly CgroupSpec[];
}

/** Limits that hold where no control group can be had; a data limit stands in for the memory group. */
export function planRlimits(limits: LimitsConfig, facts: LimitFacts): ShimSpec["rlimits"] {
  return {
    nofile: 65_536,
    core: 0,
    fsize: 8 * 1024 * megabyte,
    ...(hasMemoryGroup(facts.cgroups) ? {} : { data: limits.memoryBytes }),
    // Only a uid of its own makes a count per uid mean this app.
    ...(facts.user === null ? {} : { nproc: limits.pids }),
  };
}

/**
 * The folders in memory and their bytes. What is written there counts as the app's memory, so together they
 * never hold more than half of it: an app that fills its /tmp is told that it is full instead of being killed.
 */
export function planTmpfs(
  limits: LimitsConfig,
  cgroups: readonly CgroupSpec[],
): Readonly<Record<string, number>> {
  const most = hasMemoryGroup(cgroups) ? Math.floor(limits.memoryBytes / 2) : Number.MAX_SAFE_INTEGER;
  const shared = Math.min(64 * megabyte, Math.floor(most / 8));
  const run = Math.min(8 * megabyte, Math.floor(most / 8));
  return { "/dev/shm": shared, "/tmp": Math.min(limits.tmpBytes, most - shared - run), "/run": run };
}

function hasMemoryGroup(cgroups: readonly CgroupSpec[]): boolean {
  return cgroups.some((group) => Object.keys(group.files).some((file) => file.startsWith("memory.")));
}

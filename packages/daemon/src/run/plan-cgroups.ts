import { dirname } from "node:path";
import type { CgroupSpec } from "@bloomery/contract";

/** Which control group controllers can be used, and below which folder. */
export type CgroupLayout =
  | { readonly kind: "none" }
  | { readonly kind: "v2"; readonly base: string; readonly home: string }
  | {
      readonly kind: "v1";
      readonly bases: Readonly<Partial<Record<"memory" | "cpu" | "pids" | "cpuacct", string>>>;
    };

/** What one process tree may use. */
export interface CgroupLimits {
  readonly memoryBytes: number;
  /** Cores; null: no ceiling. */
  readonly cpu: number | null;
  readonly pids: number;
  /** Share of the processor against others when it is short; 100 is ordinary. */
  readonly weight: number;
}

/**
 * Reads /proc/self/cgroup and /proc/self/mountinfo into a layout. On v1 and on hybrid machines the groups go
 * below the daemon's own; on v2 below `root`'s own branch, because a group with processes in it cannot hand
 * controllers to its children.
 */
export function planCgroupLayout(facts: {
  readonly selfCgroup: string;
  readonly mountinfo: string;
  readonly isRoot: boolean;
  readonly group: string;
}): CgroupLayout {
  const mounts = parseMounts(facts.mountinfo);
  const own = parseOwnGroups(facts.selfCgroup);
  const bases: Partial<Record<"memory" | "cpu" | "pids" | "cpuacct", string>> = {};
  for (const controller of ["memory", "cpu", "pids", "cpuacct"] as const) {
    const mount = mounts.v1.get(controller);
    const path = own.get(controller);
    if (mount !== undefined && path !== undefined && facts.isRoot) {
      bases[controller] = `${mount}${path === "/" ? "" : path}/${facts.group}`;
    }
  }
  if (Object.keys(bases).length > 0) return { kind: "v1", bases };
  if (mounts.v2 !== undefined && mounts.v1.size === 0 && facts.isRoot) {
    const path = /^0::(\/.*)$/m.exec(facts.selfCgroup)?.[1] ?? "/";
    return {
      kind: "v2",
      base: `${mounts.v2}/${facts.group}`,
      home: `${mounts.v2}${path === "/" ? "" : path}`,
    };
  }
  return { kind: "none" };
}

/** The groups of one process tree, as the shim makes them. */
export function planCgroups(layout: CgroupLayout, name: string, limits: CgroupLimits): readonly CgroupSpec[] {
  if (layout.kind === "none") return [];
  const quota = limits.cpu === null ? null : Math.max(1000, Math.round(limits.cpu * 100_000));
  if (layout.kind === "v2") {
    return [
      {
        path: `${layout.base}/${name}`,
        files: {
          "memory.max": String(limits.memoryBytes),
          "memory.swap.max": "0",
          "pids.max": String(limits.pids),
          "cpu.weight": String(limits.weight),
          ...(quota === null ? {} : { "cpu.max": `${quota} 100000` }),
        },
        optional: true,
      },
    ];
  }
  const specs: CgroupSpec[] = [];
  const add = (base: string | undefined, files: Record<string, string>): void => {
    if (base !== undefined) specs.push({ path: `${base}/${name}`, files, optional: true });
  };
  add(layout.bases.memory, { "memory.limit_in_bytes": String(limits.memoryBytes) });
  add(layout.bases.pids, { "pids.max": String(limits.pids) });
  add(layout.bases.cpu, {
    "cpu.shares": String(Math.max(2, Math.round((limits.weight * 1024) / 100))),
    ...(quota === null ? {} : { "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": String(quota) }),
  });
  // The same folder when cpu and cpuacct are mounted together.
  if (layout.bases.cpuacct !== layout.bases.cpu) add(layout.bases.cpuacct, {});
  return specs;
}

/** The groups of a process tree that is still to come, each with the one that whoever prepares it comes from. */
export function planGroupsAhead(
  layout: CgroupLayout,
  name: string,
): readonly { readonly group: string; readonly home: string }[] {
  if (layout.kind === "none") return [];
  if (layout.kind === "v2") return [{ group: `${layout.base}/${name}`, home: layout.home }];
  // Below the daemon's own group, see planCgroupLayout.
  return cgroupBases(layout).map((base) => ({ group: `${base}/${name}`, home: dirname(base) }));
}

/** Every base folder of a layout: what has to go when the daemon stops for good. */
export function cgroupBases(layout: CgroupLayout): readonly string[] {
  if (layout.kind === "none") return [];
  return layout.kind === "v2" ? [layout.base] : [...new Set(Object.values(layout.bases))];
}

function parseMounts(mountinfo: string): { v1: Map<string, string>; v2: string | undefined } {
  const v1 = new Map<string, string>();
  let v2: string | undefined;
  for (const line of mountinfo.split("\n")) {
    const [before, after] = line.split(" - ");
    const target = before?.split(" ")[4];
    const [type, , options] = (after ?? "").split(" ");
    if (target === undefined) continue;
    if (type === "cgroup2") v2 ??= target;
    if (type === "cgroup") for (const option of (options ?? "").split(",")) v1.set(option, target);
  }
  for (const name of v1.keys()) if (!["memory", "cpu", "pids", "cpuacct"].includes(name)) v1.delete(name);
  return { v1, v2 };
}

function parseOwnGroups(selfCgroup: string): Map<string, string> {
  const own = new Map<string, string>();
  for (const line of selfCgroup.split("\n")) {
    const [, controllers, ...path] = line.split(":");
    for (const controller of (controllers ?? "").split(",")) {
      if (controller !== "") own.set(controller, path.join(":"));
    }
  }
  return own;
}

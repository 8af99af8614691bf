import { describe, expect, test } from "vitest";
import { cgroupBases, planCgroupLayout, planCgroups, planGroupsAhead } from "../../src/run/plan-cgroups.js";

const hybrid = [
  "30 20 0:25 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
  "31 20 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
  "32 20 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids",
  "33 20 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
].join("\n");
const unified = "33 20 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
const own = "9:memory:/box/a\n8:cpu,cpuacct:/\n7:pids:/\n0::/";
const limits = { memoryBytes: 536_870_912, cpu: 0.5, pids: 64, weight: 100 };

describe("planCgroupLayout", () => {
  test("uses v1 controllers below the daemon's own groups on a hybrid machine", () => {
    expect(
      planCgroupLayout({ selfCgroup: own, mountinfo: hybrid, isRoot: true, group: "bloomery-1" }),
    ).toEqual({
      kind: "v1",
      bases: {
        memory: "/sys/fs/cgroup/memory/box/a/bloomery-1",
        cpu: "/sys/fs/cgroup/cpu,cpuacct/bloomery-1",
        cpuacct: "/sys/fs/cgroup/cpu,cpuacct/bloomery-1",
        pids: "/sys/fs/cgroup/pids/bloomery-1",
      },
    });
  });

  test("uses a branch of its own on a v2 machine", () => {
    const layout = planCgroupLayout({
      selfCgroup: "0::/system.slice/bloomd.service",
      mountinfo: unified,
      isRoot: true,
      group: "bloomery-1",
    });
    expect(layout).toEqual({
      ...{ kind: "v2", base: "/sys/fs/cgroup/bloomery-1" },
      home: "/sys/fs/cgroup/system.slice/bloomd.service",
    });
    expect(cgroupBases(layout)).toEqual(["/sys/fs/cgroup/bloomery-1"]);
  });

  test("has none without root, and none where nothing is mounted", () => {
    const facts = { selfCgroup: own, mountinfo: hybrid, isRoot: false, group: "g" };
    expect(planCgroupLayout(facts)).toEqual({ kind: "none" });
    expect(planCgroupLayout({ ...facts, isRoot: true, mountinfo: "" })).toEqual({ kind: "none" });
  });
});

describe("planCgroups", () => {
  test("writes v2 files in one group", () => {
    expect(planCgroups({ kind: "v2", base: "/cg/b", home: "/cg" }, "i-1", limits)).toEqual([
      {
        path: "/cg/b/i-1",
        files: {
          "memory.max": "536870912",
          "memory.swap.max": "0",
          "pids.max": "64",
          "cpu.weight": "100",
          "cpu.max": "50000 100000",
        },
        optional: true,
      },
    ]);
  });

  test("writes each v1 controller in its own group, a shared mount once", () => {
    const bases = { memory: "/m/b", cpu: "/c/b", cpuacct: "/c/b", pids: "/p/b" };
    const groups = planCgroups({ kind: "v1", bases }, "i-1", { ...limits, cpu: null, weight: 10 });
    expect(groups.map((group) => [group.path, group.files])).toEqual([
      ["/m/b/i-1", { "memory.limit_in_bytes": "536870912" }],
      ["/p/b/i-1", { "pids.max": "64" }],
      ["/c/b/i-1", { "cpu.shares": "102" }],
    ]);
  });

  test("asks for nothing where there is nothing", () => {
    expect(planCgroups({ kind: "none" }, "i-1", limits)).toEqual([]);
  });
});

test("groups that are joined ahead come with the one to go back to", () => {
  const bases = { memory: "/cg/memory/own/b", cpu: "/cg/cpu/b", cpuacct: "/cg/cpu/b" };
  expect(planGroupsAhead({ kind: "v1", bases }, "i-1")).toEqual([
    { group: "/cg/memory/own/b/i-1", home: "/cg/memory/own" },
    { group: "/cg/cpu/b/i-1", home: "/cg/cpu" },
  ]);
  expect(planGroupsAhead({ kind: "v2", base: "/cg/b", home: "/cg/d" }, "i-1")).toEqual([
    { group: "/cg/b/i-1", home: "/cg/d" },
  ]);
  expect(planGroupsAhead({ kind: "none" }, "i-1")).toEqual([]);
});

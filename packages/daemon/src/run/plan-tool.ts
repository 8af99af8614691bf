import { controlProtocol, type CgroupSpec, type ExecSpec } from "@bloomery/contract";
import { planSandbox } from "../build/sandbox/plan-sandbox.js";
import type { ToolWish } from "./engines/engine.js";

const megabyte = 1_048_576;

/** What one tool may use: moving files takes little. */
export const toolLimits = Object.freeze({ memoryBytes: 256 * megabyte, cpu: null, pids: 64, weight: 50 });

/** What the machine gives one tool. */
export interface ToolFacts {
  readonly bwrap: string;
  readonly user: { readonly uid: number; readonly gid: number } | null;
  readonly cgroups: readonly CgroupSpec[];
  /** Holds what `applyEtc` wrote. */
  readonly etc: string;
}

/** The order for one command that sees nothing of the app but the folders that are named, and no network. */
export function planTool(wish: ToolWish, facts: ToolFacts): ExecSpec {
  const sandbox = planSandbox(
    {
      mounts: wish.mounts.map((mount, index) => ({ name: `mount-${index}`, ...mount })),
      etc: facts.etc,
      tmpfs: { "/dev/shm": megabyte, "/tmp": 64 * megabyte },
      folders: [],
      cwd: "/",
      hostname: "tool",
      command: wish.command,
      network: "none",
    },
    { staged: facts.user !== null, bwrap: facts.bwrap },
  );
  return {
    protocol: controlProtocol,
    id: wish.id,
    sandbox: "bwrap",
    command: sandbox.command,
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/tmp", LANG: "C.UTF-8", TZ: "UTC" },
    user: facts.user,
    netns: null,
    stage: sandbox.stage,
    cgroups: [...facts.cgroups],
    rlimits: { core: 0 },
    nice: 5,
    seccomp: true,
  };
}

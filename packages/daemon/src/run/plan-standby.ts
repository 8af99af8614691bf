import { controlProtocol, type AppConfig, type ShimSpec, type StandbySpec } from "@bloomery/contract";
import { join } from "node:path";
import type { SandboxMount } from "../build/sandbox/plan-sandbox.js";
import type { InstanceWish } from "./engines/engine.js";
import type { InstanceFacts } from "./instance-facts.js";
import { isAskedBySocket } from "./plan-network.js";
import { functionReady, functionRecords, planFunctionSandbox } from "./plan-function-sandbox.js";
import { planTmpfs } from "./plan-limits.js";

/** What a sandbox that is made ahead is made of. */
export interface StandbyFacts {
  readonly bwrap: string;
  readonly user: { readonly uid: number; readonly gid: number };
  /** The folder with the files of its /etc. */
  readonly etc: string;
}

/** Just enough to be there; it gets its size with its app. */
const firstBytes = 1_048_576;

/**
 * Whether such a sandbox can become one for this app: what differs from app to app is little. It has no network, and a
 * user of its own, to whom nothing outside memory can belong.
 */
export function fitsStandby(config: AppConfig): boolean {
  const { web, additionalHosts, mounts } = config;
  return (
    config.network === "none" &&
    isAskedBySocket(config) &&
    web.preStart === null &&
    web.postStart === null &&
    [additionalHosts, mounts].every((some) => Object.keys(some).length === 0)
  );
}

/** The sandbox of a function that nobody has called yet. */
export function planStandbySpec(id: string, facts: StandbyFacts): StandbySpec {
  const tmpfs = { "/dev/shm": firstBytes, "/tmp": firstBytes, "/run": firstBytes };
  const sandbox = planFunctionSandbox(
    { mounts: [], folders: ["/app"], etc: facts.etc, tmpfs, network: "none", command: [] },
    { staged: true, bwrap: facts.bwrap },
  );
  return {
    protocol: controlProtocol,
    id,
    sandbox: "bwrap",
    command: sandbox.command,
    env: {},
    user: facts.user,
    netns: null,
    stage: sandbox.stage,
    cgroups: [],
    // What holds for all of them; what is an app's own comes with it.
    rlimits: { nofile: 65_536, core: 0 },
    nice: 0,
    seccomp: true,
    ready: functionReady,
    records: functionRecords,
  };
}

/**
 * What it takes to make it the sandbox of this instance, which has these mounts and this command; null where there is none
 * that waits.
 */
export function planComplete(
  wish: InstanceWish,
  facts: Pick<InstanceFacts, "cgroups" | "etc" | "isStandby">,
  { mounts, command }: { readonly mounts: readonly SandboxMount[]; readonly command: readonly string[] },
): ShimSpec["complete"] {
  if (!facts.isStandby) return null;
  const isFunction = wish.config.function !== null;
  // All functions have the same name for their machine, and nothing more in their /etc.
  const hosts = { source: join(facts.etc, "hosts"), target: "/etc/hosts", writable: false };
  return {
    mounts: [
      ...mounts.map(({ source, target, writable }) => ({ source, target, writable })),
      ...(isFunction ? [] : [hosts]),
    ],
    tmpfs: { ...planTmpfs(wish.config.limits, facts.cgroups) },
    hostname: isFunction ? null : wish.appName,
    command: [...command],
    cwd: "/app",
  };
}

import { controlProtocol, type AppConfig, type ShimSpec, type StandbySpec } from "@bloomery/contract";
import type { InstanceWish } from "./engines/engine.js";
import {
  functionCommand,
  functionReady,
  functionRecords,
  planFunctionSandbox,
} from "./plan-function-sandbox.js";
import { planTmpfs, type LimitFacts } from "./plan-limits.js";

/** What a sandbox that is made ahead is made of. */
export interface StandbyFacts {
  readonly bwrap: string;
  readonly user: { readonly uid: number; readonly gid: number };
  /** The folder with the files of its /etc. */
  readonly etc: string;
}

/** Just enough to be there; it gets its size with its app. */
const firstBytes = 1_048_576;

/** Whether such a sandbox can become one for this app: what differs from app to app is little. */
export function fitsStandby(config: AppConfig): boolean {
  return (
    config.function !== null && config.network === "none" && Object.keys(config.additionalHosts).length === 0
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

/** What it takes to make it the sandbox of this instance. */
export function planComplete(wish: InstanceWish, facts: Pick<LimitFacts, "cgroups">): ShimSpec["complete"] {
  return {
    mounts: [{ source: wish.artifactDir, target: "/app" }],
    tmpfs: { ...planTmpfs(wish.config.limits, facts.cgroups) },
    command: [...functionCommand],
    cwd: "/app",
  };
}

import { controlProtocol, type PreforkConfig, type ShimSpec } from "@bloomery/contract";
import { planSandbox } from "../build/sandbox/plan-sandbox.js";
import type { InstanceWish } from "./engines/engine.js";
import type { InstanceFacts } from "./instance-facts.js";
import { planCommand } from "./plan-command.js";
import { planRlimits, planTmpfs } from "./plan-limits.js";
import { planComplete } from "./plan-standby.js";
import { planMounts, planRunMount, runFolder } from "./plan-mounts.js";

/** The host as its sandbox shows it. */
const host = "/run/bloom-prefork";

/** Where the host says how its workers do; `planInstanceFiles` has the same file as the daemon sees it. */
const stats = `${runFolder}/stats.sock`;

/** The shim's whole order for one instance of a prefork app; `socket` is bound for it. */
export function planPreforkSpec(
  wish: InstanceWish,
  own: PreforkConfig,
  facts: InstanceFacts,
  socket: string,
): ShimSpec {
  const { web, limits, network } = wish.config;
  const inside = {
    mounts: [
      ...planMounts(wish, facts),
      planRunMount(facts.dir),
      { name: "host", source: facts.preforkPath, target: host, writable: false },
    ],
    command: planCommand(planHostCommand(own)),
  };
  const sandbox = planSandbox(
    {
      ...inside,
      etc: facts.etc,
      tmpfs: planTmpfs(limits, facts.cgroups),
      folders: [],
      cwd: "/app",
      hostname: wish.appName,
      network: network === "none" ? "none" : "kept",
    },
    { staged: facts.user !== null, bwrap: facts.bwrap },
  );
  return {
    protocol: controlProtocol,
    id: wish.id,
    dir: facts.dir,
    sandbox: "bwrap",
    command: sandbox.command,
    env: { ...wish.env, BLOOM_READY_FD: "3" },
    user: facts.user,
    netns: facts.netns,
    stage: sandbox.stage,
    cgroups: [...facts.cgroups],
    rlimits: planRlimits(limits, facts),
    nice: 0,
    seccomp: true,
    ready: { kind: "message", timeout_ms: web.ready.timeoutSeconds * 1000 },
    restart: {
      policy: "always",
      // Who calls meanwhile waits on the socket: the first start anew is almost at once.
      backoff_initial_ms: 20,
      backoff_max_ms: 10_000,
      reset_after_ms: 10_000,
      crash_loop_after: 3,
    },
    // Its workers would break off at a signal that is for the host.
    stop: { signal: "TERM", grace_ms: web.graceSeconds * 1000, alone: true },
    log: { max_bytes: 20 * 1_048_576, files: 5 },
    records: null,
    forward: null,
    listen: socket,
    complete: planComplete(wish, facts, inside),
    pre_start: null,
    post_start: null,
  };
}

/** As on the command line of `bloom prefork`, but for what the platform decides: where to listen. */
function planHostCommand({ ini, section, workers, threads }: PreforkConfig): string[] {
  return [
    host,
    section === null ? ini : `${ini}:${section}`,
    ...(workers === null ? [] : ["--processes", String(workers)]),
    ...(threads === null ? [] : ["--threads", String(threads)]),
    ...["--platform-socket", "fd://5", "--platform-stats", stats],
  ];
}

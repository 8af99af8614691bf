import { controlProtocol, type FunctionConfig, type ShimSpec } from "@bloomery/contract";
import type { InstanceWish } from "./engines/engine.js";
import type { InstanceFacts } from "./instance-facts.js";
import {
  functionCommand,
  functionReady,
  functionRecords,
  planFunctionSandbox,
} from "./plan-function-sandbox.js";
import { planRlimits, planTmpfs } from "./plan-limits.js";
import { planComplete } from "./plan-standby.js";

/** What the SDK is told of the descriptors the shim passes on. */
export const functionVariables = Object.freeze({
  IGNITE_READY_FD: "3",
  IGNITE_RECORD_FD: "4",
  IGNITE_LISTEN_FD: "5",
});

/** The shim's whole order for one instance of a native function; `socket` is bound for it. */
export function planFunctionSpec(
  wish: InstanceWish,
  own: FunctionConfig,
  facts: InstanceFacts,
  socket: string,
): ShimSpec {
  const { limits, web, network } = wish.config;
  const inside = {
    mounts: [{ name: "app", source: wish.artifactDir, target: "/app", writable: false }],
    command: functionCommand,
  };
  const sandbox = planFunctionSandbox(
    {
      ...inside,
      etc: facts.etc,
      tmpfs: planTmpfs(limits, facts.cgroups),
      folders: [],
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
    env: { ...wish.env, ...planHandlerVariables(wish, own), ...functionVariables },
    user: facts.user,
    netns: facts.netns,
    stage: sandbox.stage,
    cgroups: [...facts.cgroups],
    rlimits: planRlimits(limits, facts),
    nice: 0,
    seccomp: true,
    ready: functionReady,
    restart: {
      policy: "always",
      // Who calls meanwhile waits on the socket: the first start anew is at once.
      backoff_initial_ms: 5,
      backoff_max_ms: 10_000,
      reset_after_ms: 10_000,
      crash_loop_after: 5,
    },
    stop: { signal: "TERM", grace_ms: web.graceSeconds * 1000 },
    log: { max_bytes: 20 * 1_048_576, files: 5 },
    records: functionRecords,
    forward: null,
    listen: socket,
    complete: planComplete(wish, facts, inside),
    pre_start: null,
    post_start: null,
  };
}

/** What the SDK is told of its function. */
function planHandlerVariables(
  { env, config }: InstanceWish,
  own: FunctionConfig,
): Readonly<Record<string, string>> {
  const org = env["BLOOM_ORG"] ?? "";
  return {
    IGNITE_FUNCTION_ID: `${org}/${env["BLOOM_APP"] ?? ""}`,
    IGNITE_ORGANIZATION_ID: org,
    IGNITE_VERSION: env["BLOOM_VERSION"] ?? "",
    IGNITE_TIMEOUT_MS: String(own.timeoutSeconds * 1000),
    IGNITE_CONCURRENCY: String(own.concurrency),
    IGNITE_QUEUE_LIMIT: String(own.queueLimit),
    IGNITE_MAX_BODY_BYTES: String(own.maxBodyBytes),
    IGNITE_TEMP_DIR: "/tmp",
    IGNITE_TEMP_BYTES: String(own.tempBytes),
    // A second less than the grace, so that it ends by itself.
    IGNITE_DRAIN_MS: String(Math.max(0, config.web.graceSeconds - 1) * 1000),
  };
}

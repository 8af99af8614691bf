import { controlProtocol, type CgroupSpec, type ShimSpec } from "@bloomery/contract";
import type { InstanceWish } from "./engines/engine.js";
import { planSandbox, type SandboxMount } from "./plan-sandbox.js";

/** What the machine gives one instance. */
export interface InstanceFacts {
  readonly dir: string;
  readonly bwrap: string;
  /** Null: the daemon is not root, everything runs as its own user. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /** Null: the host's network. */
  readonly netns: string | null;
  /** The port the app is told. */
  readonly port: number;
  /** Where the shim's forwarder listens when there is no namespace. */
  readonly forwardSocket: string | null;
  readonly cgroups: readonly CgroupSpec[];
  /** Generated /etc files on the host. */
  readonly etc: readonly SandboxMount[];
}

const megabyte = 1_048_576;
const logLimits = Object.freeze({ max_bytes: 20 * megabyte, files: 5 });

/** The shim's whole order for one instance of a web app. */
export function planInstanceSpec(wish: InstanceWish, facts: InstanceFacts): ShimSpec {
  const { config } = wish;
  const mounts: SandboxMount[] = [
    { name: "app", source: wish.artifactDir, target: "/app", writable: false },
    ...facts.etc,
  ];
  const sandbox = planSandbox(
    {
      mounts,
      tmpBytes: 1024 * megabyte,
      cwd: "/app",
      hostname: wish.appName,
      command: ["/bin/sh", "-c", config.web.start],
      network: "kept",
    },
    { staged: facts.user !== null, bwrap: facts.bwrap },
  );
  const timeoutMs = config.web.ready.timeoutSeconds * 1000;
  return {
    protocol: controlProtocol,
    id: wish.id,
    dir: facts.dir,
    sandbox: "bwrap",
    command: [...sandbox.command],
    env: { ...wish.env, PORT: String(facts.port) },
    user: facts.user,
    netns: facts.netns,
    stage:
      sandbox.stage === null ? null : { target: sandbox.stage.target, mounts: [...sandbox.stage.mounts] },
    cgroups: [...facts.cgroups],
    rlimits: planRlimits(wish, facts),
    nice: 0,
    seccomp: true,
    ready:
      config.web.ready.path === null
        ? { kind: "tcp", port: facts.port, timeout_ms: timeoutMs }
        : { kind: "http", port: facts.port, path: config.web.ready.path, timeout_ms: timeoutMs },
    restart: {
      policy: "always",
      backoff_initial_ms: 100,
      backoff_max_ms: 30_000,
      reset_after_ms: 10_000,
      crash_loop_after: 3,
    },
    stop: { signal: "TERM", grace_ms: config.web.graceSeconds * 1000 },
    log: { ...logLimits },
    forward: facts.forwardSocket === null ? null : { listen: facts.forwardSocket, port: facts.port },
  };
}

/** Limits that hold where no control group can be had; a data limit stands in for the memory group. */
function planRlimits(wish: InstanceWish, facts: InstanceFacts): ShimSpec["rlimits"] {
  const grouped = facts.cgroups.some((group) =>
    Object.keys(group.files).some((file) => file.startsWith("memory.")),
  );
  return {
    nofile: 65_536,
    core: 0,
    fsize: 8 * 1024 * megabyte,
    ...(grouped ? {} : { data: wish.config.limits.memoryBytes }),
    // Only a uid of its own makes a count per uid mean this app.
    ...(facts.user === null ? {} : { nproc: wish.config.limits.pids }),
  };
}

import { controlProtocol, type ShimSpec } from "@bloomery/contract";
import { planLowPortUser, type NginxUser } from "./low-ports.js";
import type { NginxPaths } from "./nginx-paths.js";
import { isAtLeast, type NginxVersion } from "./plan-http.js";

export interface NginxProgram {
  /** Full path of nginx. */
  readonly binary: string;
  readonly version: NginxVersion;
  /** Whom the master runs as; null: as the daemon itself. */
  readonly user: NginxUser | null;
  /** Full path of `setpriv`, which lets that user open ports below 1024; null: it may not. */
  readonly setpriv: string | null;
}

/** How a command of nginx's comes to run as its user: words before it, or a change of user by who starts it. */
export function planNginxUser({ user, setpriv }: Pick<NginxProgram, "user" | "setpriv">): {
  readonly before: readonly string[];
  readonly user: NginxUser | null;
} {
  if (user === null || setpriv === null) return { before: [], user };
  return { before: planLowPortUser(setpriv, user), user: null };
}

/** Arguments that make nginx use our configuration and touch nothing of the distribution's. */
export function planNginxCommand(
  program: NginxProgram,
  paths: NginxPaths,
  config: string,
  errorLog: string,
): readonly string[] {
  return [
    program.binary,
    "-p",
    `${paths.prefix}/`,
    "-c",
    config,
    // Before this version it complains once about a log it may not open, and goes on.
    ...(isAtLeast(program.version, [1, 19, 5]) ? ["-e", errorLog] : []),
  ];
}

/**
 * The environment nginx runs in. Reading a configuration, it takes and gives back memory thousands of times; a heap
 * that is not trimmed each time halves what a reload takes.
 */
export const nginxEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LANG: "C.UTF-8",
  GLIBC_TUNABLES: "glibc.malloc.trim_threshold=67108864:glibc.malloc.mmap_threshold=33554432",
} as const;

/** How the shim keeps nginx running: at once again when it dies, whatever happens to the daemon. */
export function planNginxSpec(program: NginxProgram, paths: NginxPaths): ShimSpec {
  const { before, user } = planNginxUser(program);
  return {
    protocol: controlProtocol,
    id: "nginx",
    dir: paths.shim,
    sandbox: "none",
    command: [
      ...before,
      // A killed nginx leaves its unix socket behind and could not bind it again.
      ...["/bin/sh", "-c", 'rm -f -- "$0" && exec "$@"', paths.generationSocket],
      ...planNginxCommand(program, paths, paths.config, paths.errorLog),
    ],
    env: nginxEnvironment,
    user,
    netns: null,
    stage: null,
    cgroups: [],
    rlimits: { nofile: 65_536, core: 0 },
    nice: 0,
    seccomp: false,
    // The daemon asks nginx itself which configuration is in force, which says more than an open port.
    ready: { kind: "none" },
    restart: {
      policy: "always",
      backoff_initial_ms: 50,
      backoff_max_ms: 2000,
      reset_after_ms: 5000,
      crash_loop_after: 10,
    },
    stop: { signal: "QUIT", grace_ms: 5000 },
    log: { max_bytes: 5_000_000, files: 2 },
    records: null,
    forward: null,
    listen: null,
    complete: null,
    pre_start: null,
    post_start: null,
  };
}

import { z } from "zod";

/**
 * The instance protocol between the daemon and `bloom-shim`. `crates/control` has the same words in Rust;
 * both are checked against `fixtures/control/`. Keys are snake_case on the wire.
 */
export const controlProtocol = 1;

const milliseconds = z.number().int().min(0);
const logSpec = z.strictObject({ max_bytes: z.number().int(), files: z.number().int() });
const tcpPort = z.number().int().min(1).max(65_535);
const count = z.number().int().min(0);
/** Of a terminal, in characters. */
const terminalSize = z.strictObject({ rows: count.max(65_535), cols: count.max(65_535) });

/**
 * A mount made by the shim as root, so that an unprivileged user can reach it: a bind of `source`, or an overlay
 * whose first `lower` folder lies uppermost.
 */
export const stageMount = z.union([
  z.strictObject({ name: z.string(), source: z.string() }),
  z.strictObject({
    name: z.string(),
    overlay: z.strictObject({ lower: z.array(z.string()).min(1), upper: z.string(), work: z.string() }),
  }),
]);
export type StageMount = z.infer<typeof stageMount>;

export const cgroupSpec = z.strictObject({
  path: z.string(),
  files: z.record(z.string(), z.string()),
  optional: z.boolean(),
});
export type CgroupSpec = z.infer<typeof cgroupSpec>;

export const readySpec = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }),
  z.strictObject({ kind: z.literal("tcp"), port: tcpPort, timeout_ms: milliseconds }),
  z.strictObject({
    kind: z.literal("http"),
    port: tcpPort,
    path: z.string(),
    timeout_ms: milliseconds,
  }),
  /** `socket` is the app's own, as the host sees it; with `path` also asked for over HTTP. */
  z.strictObject({
    kind: z.literal("unix"),
    socket: z.string(),
    path: z.string().nullable(),
    timeout_ms: milliseconds,
  }),
  /**
   * The command and what it started listen on all of these ports; none: on any, and on no further ones for a moment.
   * Nobody connects to find out.
   */
  z.strictObject({ kind: z.literal("listens"), ports: z.array(tcpPort), timeout_ms: milliseconds }),
  /** The command writes the line `ready` into its descriptor 3. */
  z.strictObject({ kind: z.literal("message"), timeout_ms: milliseconds }),
]);
export type ReadySpec = z.infer<typeof readySpec>;

/** What both `bloom-shim run` and `bloom-shim exec` need to set a process up. */
const processSpecShape = {
  protocol: z.literal(controlProtocol),
  id: z.string(),
  sandbox: z.enum(["bwrap", "none"]),
  command: z.array(z.string()).min(1),
  env: z.record(z.string(), z.string()),
  user: z.strictObject({ uid: z.number().int(), gid: z.number().int() }).nullable(),
  netns: z.string().nullable(),
  stage: z.strictObject({ target: z.string(), mounts: z.array(stageMount) }).nullable(),
  cgroups: z.array(cgroupSpec),
  rlimits: z.partialRecord(z.enum(["nofile", "core", "fsize", "data", "nproc"]), z.number().int()),
  nice: z.number().int(),
  seccomp: z.boolean(),
};

export const execSpec = z.strictObject(processSpecShape);
export type ExecSpec = z.infer<typeof execSpec>;

/** A sandbox to be made before it is known for whom: bubblewrap's call up to the program, which the shim adds. */
export const standbySpec = z.strictObject({ ...processSpecShape, ready: readySpec, records: logSpec });
export type StandbySpec = z.infer<typeof standbySpec>;

export const shimSpec = z.strictObject({
  ...processSpecShape,
  dir: z.string(),
  ready: readySpec,
  restart: z.strictObject({
    policy: z.enum(["always", "never"]),
    backoff_initial_ms: milliseconds,
    backoff_max_ms: milliseconds,
    reset_after_ms: milliseconds,
    crash_loop_after: z.number().int().min(1),
  }),
  stop: z.strictObject({
    signal: z.string(),
    grace_ms: milliseconds,
    /** Whether the command sees to its own processes: then it alone is asked, and otherwise all of them are. */
    alone: z.boolean().optional(),
  }),
  /** Sent on connections to these ports that are open when the time to drain is over, before the command is asked to end. */
  goodbye: z.array(z.strictObject({ port: tcpPort, text: z.string() })).optional(),
  log: logSpec,
  /** Takes what the command writes into its descriptor 4, line by line, into `log/executions.log`. */
  records: logSpec.nullable(),
  /** Either a loopback port, or the app's own socket as the host sees it. */
  forward: z
    .union([
      z.strictObject({ listen: z.string(), port: tcpPort }),
      z.strictObject({ listen: z.string(), socket: z.string() }),
    ])
    .nullable(),
  /** A unix socket the shim binds for the command, which finds it as descriptor 5. */
  listen: z.string().nullable(),
  /**
   * What a sandbox that was made ahead still lacks for this instance: folders and files of the host, on what is there or
   * can be made by the sandbox's user; the bytes that folders in memory may hold; the name of the machine its processes
   * see, null: the one it has; the command. Null: it is for others.
   */
  complete: z
    .strictObject({
      mounts: z.array(z.strictObject({ source: z.string(), target: z.string(), writable: z.boolean() })),
      tmpfs: z.record(z.string(), z.number().int()),
      hostname: z.string().nullable(),
      command: z.array(z.string()).min(1),
      cwd: z.string(),
    })
    .nullable(),
  /**
   * Argument arrays run inside the sandbox of each start. The command waits for `pre_start` to end well; the
   * instance is ready only when `post_start`, run beside the command, has ended well too.
   */
  pre_start: z.array(z.string()).min(1).nullable(),
  post_start: z.array(z.string()).min(1).nullable(),
});
export type ShimSpec = z.infer<typeof shimSpec>;

/**
 * What `bloom-shim enter` reads as the first line on descriptor 3: a further command inside a running sandbox,
 * with the sandbox's namespaces, /tmp and processes. The lines after it are `enterMessage`s; the descriptor's end
 * ends the command.
 */
export const enterSpec = z.strictObject({
  protocol: z.literal(controlProtocol),
  id: z.string(),
  /** A process inside the sandbox, as the host sees it. */
  pid: z.number().int(),
  command: z.array(z.string()).min(1),
  env: z.record(z.string(), z.string()),
  cwd: z.string(),
  user: z.strictObject({ uid: z.number().int(), gid: z.number().int() }).nullable(),
  /** Folders of control groups to join; those that are gone are passed over. */
  cgroups: z.array(z.string()),
  rlimits: processSpecShape.rlimits,
  seccomp: z.boolean(),
  /** A terminal of its own for the command, relayed over standard input and output. */
  tty: terminalSize.nullable(),
});
export type EnterSpec = z.infer<typeof enterSpec>;

export const enterMessage = z.union([
  z.strictObject({ resize: terminalSize }),
  z.strictObject({ signal: z.string() }),
]);
export type EnterMessage = z.infer<typeof enterMessage>;

export const lastExit = z.object({
  code: z.number().int().nullable(),
  signal: z.string().nullable(),
  at: z.string(),
  oom: z.boolean(),
  ran_ms: milliseconds,
  note: z.string().nullable(),
});

export const shimStatus = z.object({
  id: z.string(),
  state: z.enum(["starting", "ready", "draining", "stopped", "crashed"]),
  pid: z.number().int().nullable(),
  /** The first process inside the sandbox, which is there as long as the sandbox is: the one to `enter` by. */
  sandbox_pid: z.number().int().nullable().default(null),
  shim_pid: z.number().int(),
  /** Start time of the shim in clock ticks since boot: pid and this name one process for ever. */
  shim_start: z.number().int(),
  started_at: z.string().nullable(),
  ready_at: z.string().nullable(),
  ready_ms: z.number().int().nullable(),
  restarts: z.number().int(),
  consecutive_failures: z.number().int(),
  ready_timeout: z.boolean(),
  last_exit: lastExit.nullable(),
  last_probe: z.string().nullable(),
  listening: z.array(z.number().int()),
  /** With the readiness `listens`: what the instance was found to listen on, ascending. Older shims do not say. */
  listens: z.array(z.number().int()).default([]),
  connections: z.number().int(),
  /**
   * Connections taken since the shim began: who compares two of them learns whether somebody came in between. Null:
   * it cannot tell, of a socket that was passed on, or being of an earlier release.
   */
  accepted: count.nullable().default(null),
  memory_bytes: z.number().int().nullable(),
  /** Processes of the instance that the kernel has killed for want of memory since its shim began. */
  oom_kills: count.default(0),
  /** How often since then the instance was refused a further process or thread. */
  pids_limit_hits: count.default(0),
  warnings: z.array(z.string()),
});
export type ShimStatus = z.infer<typeof shimStatus>;

export const controlRequest = z.discriminatedUnion("verb", [
  z.strictObject({ id: z.number().int(), verb: z.literal("status") }),
  z.strictObject({ id: z.number().int(), verb: z.literal("watch") }),
  z.strictObject({ id: z.number().int(), verb: z.literal("stop"), grace_ms: milliseconds.nullable() }),
  z.strictObject({ id: z.number().int(), verb: z.literal("drain"), limit_ms: milliseconds }),
  z.strictObject({ id: z.number().int(), verb: z.literal("signal"), signal: z.string() }),
  z.strictObject({ id: z.number().int(), verb: z.literal("restart") }),
]);
export type ControlRequest = z.infer<typeof controlRequest>;

/** A line from the shim: the answer to a request, or an event on a watching connection. */
export const controlLine = z.union([
  z.object({ event: z.literal("state"), status: shimStatus }),
  z.object({ id: z.number().int(), ok: z.literal(true), status: shimStatus.optional() }),
  z.object({
    id: z.number().int().optional(),
    ok: z.literal(false),
    error: z.object({ code: z.string(), message: z.string() }),
  }),
]);
export type ControlLine = z.infer<typeof controlLine>;

/** What `bloom-shim run` prints before it lets go of its parent. */
export const shimHello = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), pid: z.number().int() }),
  z.object({ ok: z.literal(false), error: z.string() }),
]);

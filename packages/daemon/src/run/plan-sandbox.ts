/** A file or folder made visible inside the sandbox. */
export interface SandboxMount {
  /** Name on the stage; also unique inside one sandbox. */
  readonly name: string;
  /** On the host. */
  readonly source: string;
  /** Inside the sandbox. */
  readonly target: string;
  readonly writable: boolean;
}

export interface SandboxWish {
  readonly mounts: readonly SandboxMount[];
  /** Bytes that /tmp may hold. */
  readonly tmpBytes: number;
  readonly cwd: string;
  readonly hostname: string;
  /** Argument array run inside; usually `["/bin/sh", "-c", line]`. */
  readonly command: readonly string[];
  /** `own`: a fresh namespace without any interface; `kept`: the one the process is already in. */
  readonly network: "kept" | "own";
}

export interface SandboxPlan {
  readonly command: readonly string[];
  readonly stage: {
    readonly target: string;
    readonly mounts: readonly { name: string; source: string }[];
  } | null;
}

/** The stage lies on a folder that every Debian has and that nothing in a sandbox looks at. */
const stageTarget = "/mnt";

/** Read-only parts of the host that any dynamically linked program, name look-up or TLS client needs. */
const hostFiles = [
  "/etc/alternatives",
  "/etc/ld.so.cache",
  "/etc/ssl",
  "/usr/share/ca-certificates",
  "/usr/local/share/ca-certificates",
  "/etc/localtime",
];

/**
 * The bubblewrap argument list of one sandbox. With `staged` (the daemon is root) the shim binds every source
 * on a stage first, because the app's user cannot walk to it; without, the sources are bound directly.
 */
export function planSandbox(
  wish: SandboxWish,
  facts: { readonly staged: boolean; readonly bwrap: string },
): SandboxPlan {
  const sourceOf = (mount: SandboxMount): string =>
    facts.staged ? `${stageTarget}/${mount.name}` : mount.source;
  const command = [
    facts.bwrap,
    "--unshare-user",
    "--disable-userns",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    ...(wish.network === "own" ? ["--unshare-net"] : []),
    "--hostname",
    wish.hostname,
    "--die-with-parent",
    "--new-session",
    "--cap-drop",
    "ALL",
    "--ro-bind",
    "/usr",
    "/usr",
    ...["bin", "sbin", "lib", "lib64"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
    ...hostFiles.flatMap((path) => ["--ro-bind-try", path, path]),
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--perms",
    "1777",
    "--size",
    String(wish.tmpBytes),
    "--tmpfs",
    "/tmp",
    "--symlink",
    "../tmp",
    "/var/tmp",
    ...wish.mounts.flatMap((mount) => [
      mount.writable ? "--bind" : "--ro-bind",
      sourceOf(mount),
      mount.target,
    ]),
    "--chdir",
    wish.cwd,
    "--",
    ...wish.command,
  ];
  const stage = facts.staged
    ? { target: stageTarget, mounts: wish.mounts.map(({ name, source }) => ({ name, source })) }
    : null;
  return { command, stage };
}

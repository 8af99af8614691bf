import { BloomError, type StageMount } from "@bloomery/contract";

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

/** Several folders seen as one, which the shim lays over each other on the stage. */
export interface OverlayMount {
  readonly name: string;
  /** All on the host; the first `lower` lies uppermost. What is written goes to `upper`. */
  readonly overlay: { readonly lower: readonly string[]; readonly upper: string; readonly work: string };
  readonly target: string;
  readonly writable: boolean;
}

export interface SandboxWish {
  /** In this order: a later one may lie within an earlier one, in a folder that is there. */
  readonly mounts: readonly (SandboxMount | OverlayMount)[];
  /** The folder on the host with the files that `applyEtc` wrote. */
  readonly etc: string;
  /** Folders in memory that everybody may write, with the bytes they may hold; made before the mounts. */
  readonly tmpfs: Readonly<Record<string, number>>;
  /** Further empty folders, made before the mounts. */
  readonly folders: readonly string[];
  readonly cwd: string;
  readonly hostname: string;
  /** Argument array run inside. */
  readonly command: readonly string[];
  /** `none`: not even the machine's loopback; `kept`: the network that the process is in already. */
  readonly network: "kept" | "none";
}

export interface SandboxPlan {
  readonly command: string[];
  readonly stage: { readonly target: string; readonly mounts: StageMount[] } | null;
}

/** The stage lies on a folder that every Debian has and that nothing in a sandbox looks at. */
const stageTarget = "/mnt";

/** What any dynamically linked program, the compiler driver, the linker and TLS need of the host's /etc. */
const hostFiles = ["/etc/alternatives", "/etc/ld.so.cache", "/etc/ssl", "/etc/ca-certificates"] as const;

/** What `applyEtc` writes. */
const generatedFiles = ["passwd", "group", "hosts", "resolv.conf", "nsswitch.conf"] as const;

/**
 * The bubblewrap argument list of one sandbox: its own user, mount, pid, ipc and uts namespaces, no way to make
 * more, and nothing of the machine but the system's programs and what is named. With `staged` (the daemon is
 * root) the shim binds every source on a stage first, because the sandbox's user cannot walk to it; without, the
 * sources are bound directly.
 */
export function planSandbox(
  wish: SandboxWish,
  facts: { readonly staged: boolean; readonly bwrap: string },
): SandboxPlan {
  const sourceOf = (mount: SandboxMount | OverlayMount): string => {
    if (facts.staged) return `${stageTarget}/${mount.name}`;
    if ("source" in mount) return mount.source;
    throw new BloomError("ERR_INTERNAL", `only root can lay folders over each other (${mount.name})`);
  };
  const etc = facts.staged ? `${stageTarget}/etc` : wish.etc;
  const command = [
    facts.bwrap,
    ...["--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-ipc", "--unshare-uts"],
    "--unshare-cgroup-try",
    ...(wish.network === "none" ? ["--unshare-net"] : []),
    ...["--hostname", wish.hostname, "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
    ...["--ro-bind", "/usr", "/usr"],
    ...["bin", "sbin", "lib", "lib64"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
    ...hostFiles.flatMap((path) => ["--ro-bind-try", path, path]),
    ...generatedFiles.flatMap((name) => ["--ro-bind", `${etc}/${name}`, `/etc/${name}`]),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...Object.entries(wish.tmpfs).flatMap(([path, bytes]) => [
      ...["--perms", "1777", "--size", String(bytes)],
      ...["--tmpfs", path],
    ]),
    ...["--symlink", "../tmp", "/var/tmp"],
    ...wish.folders.flatMap((path) => ["--dir", path]),
    ...wish.mounts.flatMap((mount) => [
      mount.writable ? "--bind" : "--ro-bind",
      sourceOf(mount),
      mount.target,
    ]),
    ...["--remount-ro", "/", "--chdir", wish.cwd, "--"],
    ...wish.command,
  ];
  const stage = facts.staged
    ? { target: stageTarget, mounts: [...wish.mounts.map(planStaged), { name: "etc", source: wish.etc }] }
    : null;
  return { command, stage };
}

function planStaged(mount: SandboxMount | OverlayMount): StageMount {
  if ("source" in mount) return { name: mount.name, source: mount.source };
  const { lower, upper, work } = mount.overlay;
  return { name: mount.name, overlay: { lower: [...lower], upper, work } };
}

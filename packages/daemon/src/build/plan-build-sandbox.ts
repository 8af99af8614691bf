import type { BuildFolders } from "./build-folders.js";

/** What one step of a build sees of the machine. */
export interface BuildSandbox {
  readonly bwrap: string;
  /** True when the daemon is root: the shim binds every source on a stage that the build's user can walk. */
  readonly staged: boolean;
  readonly folders: BuildFolders;
  /** The folder shown as /app. */
  readonly appFolder: "app" | "fetch";
  readonly toolchainDir: string | null;
  /** Downloaded dependencies can be changed. */
  readonly registryWritable: boolean;
  /** `kept`: the network the shim is in; `none`: not even the machine's loopback. */
  readonly network: "kept" | "none";
  /** Bytes of /tmp, and of /dev/shm. */
  readonly tmpBytes: number;
  readonly command: readonly string[];
}

export interface BuildSandboxPlan {
  readonly command: string[];
  readonly stage: { readonly target: string; readonly mounts: { name: string; source: string }[] } | null;
}

interface Mount {
  readonly name: string;
  readonly source: string;
  readonly target: string;
  readonly writable: boolean;
}

/** On every Debian, and nothing in a build looks at it. */
const stageTarget = "/mnt";

/** What the compiler driver, the linker and TLS need of /etc; names and resolvers are generated instead. */
const hostFiles = ["/etc/alternatives", "/etc/ld.so.cache", "/etc/ssl", "/etc/ca-certificates"] as const;

const generatedFiles = ["passwd", "group", "hosts", "resolv.conf", "nsswitch.conf"] as const;

/**
 * The bubblewrap argument list of one build step: its own user, mount, pid, ipc and uts namespaces, no way
 * to make more, and nothing of the machine but the system's programs, the toolchain and the app's own folders.
 */
export function planBuildSandbox(wish: BuildSandbox): BuildSandboxPlan {
  const mounts = planMounts(wish);
  const sourceOf = (mount: Mount): string => (wish.staged ? `${stageTarget}/${mount.name}` : mount.source);
  const etc = wish.staged ? `${stageTarget}/etc` : wish.folders.etc;
  const command = [
    wish.bwrap,
    ...["--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-ipc", "--unshare-uts"],
    "--unshare-cgroup-try",
    ...(wish.network === "none" ? ["--unshare-net"] : []),
    ...["--hostname", "build", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
    ...["--ro-bind", "/usr", "/usr"],
    ...["bin", "sbin", "lib", "lib64"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
    ...hostFiles.flatMap((path) => ["--ro-bind-try", path, path]),
    ...generatedFiles.flatMap((name) => ["--ro-bind", `${etc}/${name}`, `/etc/${name}`]),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...["--perms", "1777", "--size", String(wish.tmpBytes), "--tmpfs", "/dev/shm"],
    ...["--perms", "1777", "--size", String(wish.tmpBytes), "--tmpfs", "/tmp"],
    ...["--symlink", "../tmp", "/var/tmp", "--dir", "/run", "--dir", "/home"],
    ...mounts.flatMap((mount) => [mount.writable ? "--bind" : "--ro-bind", sourceOf(mount), mount.target]),
    ...["--remount-ro", "/", "--chdir", "/app", "--"],
    ...wish.command,
  ];
  const stage = wish.staged
    ? {
        target: stageTarget,
        mounts: [
          ...mounts.map(({ name, source }) => ({ name, source })),
          { name: "etc", source: wish.folders.etc },
        ],
      }
    : null;
  return { command, stage };
}

/** Every source lies in a folder only the daemon can change, so none can be a link that a build planted. */
function planMounts(wish: BuildSandbox): Mount[] {
  const { folders, registryWritable } = wish;
  return [
    { name: "app", source: folders[wish.appFolder], target: "/app", writable: true },
    { name: "home", source: folders.home, target: "/home/build", writable: true },
    {
      name: "registry",
      source: folders.registry,
      target: "/home/build/.cargo/registry",
      writable: registryWritable,
    },
    { name: "git", source: folders.git, target: "/home/build/.cargo/git", writable: registryWritable },
    ...(wish.toolchainDir === null
      ? []
      : [{ name: "rust", source: wish.toolchainDir, target: "/rust", writable: false }]),
  ];
}

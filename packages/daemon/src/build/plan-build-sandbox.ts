import type { BuildFolders } from "./build-folders.js";
import {
  planSandbox,
  type OverlayMount,
  type SandboxMount,
  type SandboxPlan,
} from "./sandbox/plan-sandbox.js";

/** Cargo's target folder in two layers. */
export interface TargetLayer {
  /** A template, never written. */
  readonly lower: string;
  /** Everything this app's builds have made. */
  readonly upper: string;
  /** The kernel's own, beside `upper`. */
  readonly work: string;
}

/** Something of the platform that builds see: its place on the machine, and in the sandbox. */
export interface SdkMount {
  readonly source: string;
  readonly target: string;
}

/** What one step of a build sees of the machine. */
export interface BuildSandbox {
  readonly bwrap: string;
  /** True when the daemon is root: the shim binds every source on a stage that the build's user can walk. */
  readonly staged: boolean;
  readonly folders: BuildFolders;
  /** The folder shown as /app. */
  readonly appFolder: "app" | "fetch";
  /** Laid over /app/target when compiling; null: the folder itself. */
  readonly targetLayer: TargetLayer | null;
  readonly toolchainDir: string | null;
  /** The crates that the code is written with; null where there are none of ours. */
  readonly sdk: SdkMount | null;
  /** The prefork host; a file. Null for everything but prefork apps. */
  readonly host: SdkMount | null;
  /** Downloaded dependencies can be changed. */
  readonly registryWritable: boolean;
  /** `kept`: the network the shim is in; `none`: not even the machine's loopback. */
  readonly network: "kept" | "none";
  /** Bytes of /tmp, and of /dev/shm. */
  readonly tmpBytes: number;
  readonly command: readonly string[];
}

/** The sandbox of one build step: the toolchain and the app's own folders. */
export function planBuildSandbox(wish: BuildSandbox): SandboxPlan {
  return planSandbox(
    {
      mounts: planMounts(wish),
      etc: wish.folders.etc,
      tmpfs: { "/dev/shm": wish.tmpBytes, "/tmp": wish.tmpBytes },
      folders: ["/run"],
      cwd: "/app",
      hostname: "build",
      command: wish.command,
      network: wish.network,
    },
    wish,
  );
}

/** Every source lies in a folder only the daemon can change, so none can be a link that a build planted. */
function planMounts(wish: BuildSandbox): (SandboxMount | OverlayMount)[] {
  const { folders, registryWritable } = wish;
  return [
    { name: "app", source: folders[wish.appFolder], target: "/app", writable: true },
    ...planTarget(wish),
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
    ...(wish.sdk === null ? [] : [{ name: "sdk", ...wish.sdk, writable: false }]),
    ...(wish.host === null ? [] : [{ name: "host", ...wish.host, writable: false }]),
  ];
}

function planTarget({ appFolder, targetLayer }: BuildSandbox): OverlayMount[] {
  if (targetLayer === null || appFolder !== "app") return [];
  const { lower, upper, work } = targetLayer;
  const overlay = { lower: [lower], upper, work };
  return [{ name: "target", overlay, target: "/app/target", writable: true }];
}

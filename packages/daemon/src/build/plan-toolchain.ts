import type { ToolchainWish } from "@bloomery/contract";

/** A Rust toolchain on this machine. */
export interface Toolchain {
  /** What rustup calls it (`stable-x86_64-unknown-linux-gnu`), or `system`. */
  readonly name: string;
  /** `1.95.0`, `1.97.0-nightly`, as `rustc -V` says. */
  readonly version: string;
  /** Folder with `bin/cargo`; null: cargo is in the system's own folders, visible in every sandbox. */
  readonly dir: string | null;
  /** True for the one rustup uses when nobody asks. */
  readonly isDefault: boolean;
}

export interface ToolchainPlan {
  /** What to build with if nothing is installed first; null when there is no toolchain at all. */
  readonly use: Toolchain | null;
  /** A channel to install first; when that succeeds it is to be used instead. */
  readonly install: string | null;
  /** For the user, when `use` is not what was asked for and nothing was installed. */
  readonly warning: string | null;
}

const channelGrammar = /^(?:(?:stable|beta|nightly)(?:-\d{4}-\d{2}-\d{2})?|1\.\d{1,3}(?:\.\d{1,3})?)$/;

/** True for channels that rustup may be asked to install; everything else is refused before it is run. */
export function isInstallableChannel(channel: string): boolean {
  return channelGrammar.test(channel);
}

/**
 * Chooses among the installed toolchains. `1` is the newest stable one, `1.68` the newest 1.68.x; a wish that
 * none fulfils is installed where that is possible, and else the newest installed one builds, with a warning.
 */
export function planToolchain(
  wish: ToolchainWish,
  installed: readonly Toolchain[],
  canInstall: boolean,
): ToolchainPlan {
  const fallback = newest(installed.filter(isStable)) ?? newest(installed);
  if (wish.channel === null) {
    return { use: installed.find((one) => one.isDefault) ?? fallback, install: null, warning: null };
  }
  const channel = stripHost(wish.channel);
  const match = findMatch(channel, installed);
  if (match !== null) return { use: match, install: null, warning: null };
  const install = channel === "1" ? "stable" : channel;
  const mayInstall = canInstall && isInstallableChannel(install);
  const asked = wish.channel.slice(0, 80);
  const warning =
    fallback === null
      ? null
      : `Rust ${asked} (${describeSource(wish.source)}) is not installed and cannot be had; building with ${fallback.version}`;
  return { use: fallback, install: mayInstall ? install : null, warning };
}

function findMatch(channel: string, installed: readonly Toolchain[]): Toolchain | null {
  if (channel === "1")
    return newest(installed.filter((one) => isStable(one) && one.version.startsWith("1.")));
  if (/^1\.\d+$/.test(channel)) {
    return newest(installed.filter((one) => isStable(one) && one.version.startsWith(`${channel}.`)));
  }
  if (/^1\.\d+\.\d+$/.test(channel)) return installed.find((one) => one.version === channel) ?? null;
  const named = installed.find((one) => stripHost(one.name) === channel);
  if (named !== undefined) return named;
  return channel === "stable" ? newest(installed.filter(isStable)) : null;
}

/** `nightly-x86_64-unknown-linux-gnu` → `nightly`. */
function stripHost(name: string): string {
  return name.replace(
    /-(?:x86_64|aarch64|armv7|i686|riscv64gc|powerpc64le|s390x)-[a-z0-9]+(?:-[a-z0-9]+)+$/,
    "",
  );
}

function isStable(toolchain: Toolchain): boolean {
  return /^\d+\.\d+\.\d+$/.test(toolchain.version);
}

function newest(toolchains: readonly Toolchain[]): Toolchain | null {
  return [...toolchains].sort((a, b) => compareVersions(b.version, a.version))[0] ?? null;
}

/** Below zero when `a` is older. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(/[.-]/).map(Number));
  for (let index = 0; index < 3; index++) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function describeSource(source: ToolchainWish["source"]): string {
  const words = {
    "rust-toolchain": "from rust-toolchain.toml",
    "bloom.toml": "from bloom.toml",
    type: "from `type` in the manifest",
    default: "the default",
    platform: "from the app's settings or its draft",
  } as const;
  return words[source];
}

import { join } from "node:path";
import { BloomError, type ToolchainWish } from "@bloomery/contract";
import { execa } from "execa";
import { listToolchains, type ToolchainPlaces } from "./list-toolchains.js";
import { isInstallableChannel, planToolchain, type Toolchain } from "./plan-toolchain.js";
import { findProgram } from "./sandbox/find-program.js";

const installLimitMs = 5 * 60_000;
/** A channel that could not be had is not asked for again for a while: each attempt takes seconds. */
const retryAfterMs = 10 * 60_000;

export interface ToolchainResolver {
  /**
   * Finds the toolchain for a wish, installing it where rustup is at hand. Throws ERR_TOOLCHAIN_MISSING when
   * the machine has none at all and none could be installed.
   */
  resolve(
    wish: ToolchainWish,
    signal?: AbortSignal,
  ): Promise<{ readonly toolchain: Toolchain; readonly warnings: readonly string[] }>;
}

export function createToolchainResolver(options: {
  readonly places: ToolchainPlaces;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds, as `Date.now`. */
  readonly now?: () => number;
}): ToolchainResolver {
  const now = options.now ?? Date.now;
  const failedAt = new Map<string, number>();
  const installing = new Map<string, Promise<boolean>>();

  const install = async (rustup: string, channel: string): Promise<boolean> => {
    const last = failedAt.get(channel);
    if (last !== undefined && now() - last < retryAfterMs) return false;
    const running = installing.get(channel) ?? runInstall(rustup, channel, options);
    installing.set(channel, running);
    try {
      const installed = await running;
      if (installed) failedAt.delete(channel);
      else failedAt.set(channel, now());
      return installed;
    } finally {
      installing.delete(channel);
    }
  };

  return {
    async resolve(wish, signal) {
      const rustup = await findProgram("rustup", options.env, cargoBin(options.env));
      const canInstall = rustup !== null && options.places.rustupHome !== null;
      let plan = planToolchain(wish, await listToolchains(options.places), canInstall);
      if (plan.install !== null && rustup !== null) {
        await raceAbort(install(rustup, plan.install), signal);
        plan = planToolchain(wish, await listToolchains(options.places), false);
      }
      if (plan.use === null) {
        throw new BloomError(
          "ERR_TOOLCHAIN_MISSING",
          "no Rust toolchain is installed where the daemon can see it",
        );
      }
      return { toolchain: plan.use, warnings: plan.warning === null ? [] : [plan.warning] };
    },
  };
}

async function runInstall(
  rustup: string,
  channel: string,
  options: { readonly places: ToolchainPlaces; readonly env: NodeJS.ProcessEnv },
): Promise<boolean> {
  if (!isInstallableChannel(channel)) return false;
  const result = await execa(
    rustup,
    ["toolchain", "install", channel, "--profile", "minimal", "--no-self-update"],
    {
      env: { ...options.env, RUSTUP_HOME: options.places.rustupHome ?? undefined },
      extendEnv: false,
      stdin: "ignore",
      timeout: installLimitMs,
      reject: false,
    },
  );
  return result.exitCode === 0;
}

/** The installation goes on for the next who asks; only the one who cancelled stops waiting. */
async function raceAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
    work.catch(() => undefined);
  }
}

/** The folder where rustup puts itself. */
function cargoBin(env: NodeJS.ProcessEnv): string[] {
  const home = env["CARGO_HOME"] ?? (env["HOME"] === undefined ? null : join(env["HOME"], ".cargo"));
  return home === null ? [] : [join(home, "bin")];
}

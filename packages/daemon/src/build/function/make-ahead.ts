import { planBuildUser } from "../build-user.js";
import type { BuilderDeps } from "../builder.js";
import { createNetwork, defaultTmpBytes } from "../compile.js";
import { openBuildRun } from "../run-build.js";
import { planSdkTemplate } from "./plan-sdk-template.js";

/** Behind every build of a user's. */
const lowestNice = 19;

/** `made`: it was not there; `present`: nothing to do; `gave-way`: a build needed the place. */
export type AheadResult = "made" | "present" | "gave-way";

/**
 * Compiles what all functions share, for the toolchain that most of them will have, before anybody waits for it. Throws
 * what kept it from being made, such as a registry out of reach: the first function's build then does it.
 */
export async function makeAhead(
  deps: BuilderDeps,
  job: { readonly id: string; readonly logFile: string; readonly signal: AbortSignal },
): Promise<AheadResult> {
  const sdk = await deps.sdk();
  const { toolchain } = await deps.toolchains.resolve({ channel: null, source: "default" }, job.signal);
  const wish = { toolchain: toolchain.version, cargo: { profile: "release" }, variables: {} };
  const plan = planSdkTemplate(sdk, wish);
  if (typeof plan === "string") return "present";
  const way = new AbortController();
  const network = createNetwork(deps, job.id, () => undefined);
  const run = openBuildRun({
    shimPath: deps.shimPath,
    logFile: job.logFile,
    timeLimitMs: deps.settings.timeLimitSeconds * 1000,
    signal: AbortSignal.any([job.signal, way.signal]),
    onStep: () => undefined,
    onLine: () => undefined,
    onProgress: () => undefined,
  });
  try {
    const isMade = await deps.templates.makeAhead({
      plan,
      jobUser: deps.isRoot ? planBuildUser(deps.uidBase, 0) : null,
      run,
      giveWay: () => way.abort(),
      surroundings: async () => ({
        id: job.id,
        bwrap: deps.settings.bwrap ?? "/usr/bin/bwrap",
        toolchainDir: toolchain.dir,
        netns: await network.get(),
        cgroups: deps.cgroupsFor(job.id),
        tmpBytes: deps.settings.tmpBytes ?? defaultTmpBytes,
        nice: lowestNice,
      }),
    });
    return isMade ? "made" : "present";
  } catch (error) {
    if (way.signal.aborted && !job.signal.aborted) return "gave-way";
    throw error;
  } finally {
    await run.close();
    await network.release();
  }
}

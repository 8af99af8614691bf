import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CgroupSpec } from "@bloomery/contract";
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
  job: {
    readonly id: string;
    readonly logFile: string;
    readonly signal: AbortSignal;
    /** Its groups as they would be if it were somebody's build. */
    readonly ordinaryGroups: readonly CgroupSpec[];
  },
): Promise<AheadResult> {
  const sdk = await deps.sdk();
  const { toolchain } = await deps.toolchains.resolve({ channel: null, source: "default" }, job.signal);
  const wish = { toolchain: toolchain.version, cargo: { profile: "release" }, variables: {} };
  const plan = planSdkTemplate(sdk, wish);
  if (typeof plan === "string") return "present";
  const way = new AbortController();
  const network = createNetwork(deps, job.id, () => undefined);
  let isWanted = false;
  const hurry = (): void => {
    isWanted = true;
    void raiseWeight(job.ordinaryGroups);
  };
  const run = openBuildRun({
    shimPath: deps.shimPath,
    logFile: job.logFile,
    timeLimitMs: deps.settings.timeLimitSeconds * 1000,
    signal: AbortSignal.any([job.signal, way.signal]),
    onStep: () => undefined,
    // Each step has groups of its own.
    onLine: () => (isWanted ? hurry() : undefined),
    onTold: () => undefined,
    onProgress: () => undefined,
  });
  try {
    const isMade = await deps.templates.makeAhead({
      plan,
      jobUser: deps.isRoot ? planBuildUser(deps.uidBase, 0) : null,
      run,
      giveWay: () => way.abort(),
      hurry,
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

/** Groups that are not there yet, or are gone, are none to raise. */
async function raiseWeight(groups: readonly CgroupSpec[]): Promise<void> {
  for (const { path, files } of groups) {
    for (const name of ["cpu.weight", "cpu.shares"]) {
      const weight = files[name];
      if (weight !== undefined)
        await writeFile(join(path, name), weight, { flag: "r+" }).catch(() => undefined);
    }
  }
}

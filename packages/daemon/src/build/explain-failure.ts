import { BloomError } from "@bloomery/contract";
import { diskFull, isDiskFull, isFolderFull } from "./disk-full.js";

/** What a build had to live with. */
export interface BuildSpace {
  /** The host's folder in which `/app` and the build's home lie. */
  readonly folder: string;
  /** Bytes of /tmp. */
  readonly tmpBytes: number;
}

/** A failure in words that say what ran out, when something did; any other error as it is. */
export async function explainFailure(error: unknown, space: BuildSpace): Promise<unknown> {
  if (isDiskFull(error)) return diskFull(space.folder, "the build's files", error);
  if (!(error instanceof BloomError) || error.code !== "ERR_BUILD_FAILED") return error;
  const { tail } = (error.details ?? {}) as { tail?: unknown };
  const lines = Array.isArray(tail) ? tail.map(String) : [];
  if (!lines.some((line) => /No space left on device|os error 28\b/.test(line))) return error;
  if (await isFolderFull(space.folder)) return diskFull(space.folder, "what the build made", error);
  const mebibytes = Math.round(space.tmpBytes / 1024 ** 2);
  return new BloomError("ERR_BUILD_FAILED", `${error.message}: a disk of its sandbox was full`, {
    hint: `/tmp holds ${mebibytes} MiB in a build; large files belong below /app or $PLATFORM_CACHE_DIR.`,
    details: error.details ?? {},
    cause: error,
  });
}

import { ignite } from "@bloomery/contract";

/** What a function's code may hold. Archives are small and come from anywhere: much less than a source tree may. */
export const codeLimits = Object.freeze({
  /** Bytes of the archive itself. */
  packedBytes: ignite.codeBytes,
  /** Files, links and folders, also those that are left out. */
  entries: 10_000,
  /** Sum over all files, unpacked. */
  bytes: 256 * 1024 ** 2,
  /** Names in a path. */
  depth: 32,
  /** Unpacked bytes for each packed one, once `freeBytes` are exceeded. */
  ratio: 100,
  freeBytes: 16 * 1024 ** 2,
});

export type CodeLimits = Readonly<Record<keyof typeof codeLimits, number>>;

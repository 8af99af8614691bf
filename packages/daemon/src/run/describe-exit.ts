import type { ShimStatus } from "@bloomery/contract";

/**
 * An exit in words: `exit code 101 after 12 ms`, `killed: it used more than its 128 MB of memory, after 3.2 s`.
 * `memoryBytes` is the limit it ran under, when that is known.
 */
export function describeExit(exit: NonNullable<ShimStatus["last_exit"]>, memoryBytes?: number): string {
  const after = `after ${formatDuration(exit.ran_ms)}`;
  const note = exit.note === null ? "" : `; ${exit.note}`;
  const limit = describeMemory(memoryBytes);
  // The kernel's killer always kills; anything else is what the app made of the loss of a child.
  const isKilled = exit.signal === "SIGKILL" || exit.code === 137;
  if (exit.oom && isKilled) return `killed: it used more than ${limit}, ${after}${note}`;
  const how =
    exit.signal === null
      ? `exit code ${exit.code ?? "unknown"}${shellHint(exit.code)}`
      : `killed by ${exit.signal}`;
  const child = exit.oom ? `; a process of it was killed, because together they used more than ${limit}` : "";
  return `${how} ${after}${child}${note}`;
}

/** The end of a function's process in a sentence: why an execution has no answer. */
export function describeEnd(exit: NonNullable<ShimStatus["last_exit"]>, memoryBytes?: number): string {
  const how = describeExit(exit, memoryBytes);
  return how.startsWith("killed")
    ? `the function's process was ${how}`
    : `the function's process ended: ${how}`;
}

/** What a shell means by its two special codes. */
function shellHint(code: number | null): string {
  if (code === 127) return " (command not found)";
  return code === 126 ? " (command cannot be executed)" : "";
}

export function formatDuration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** The limit in words that follow `more than`. */
export function describeMemory(memoryBytes: number | undefined): string {
  return memoryBytes === undefined ? "the memory it may use" : `its ${formatMemory(memoryBytes)} of memory`;
}

/** Limits are written in powers of two or of ten; both are called MB by those who write them. */
function formatMemory(bytes: number): string {
  const unit = bytes % 1_048_576 === 0 ? 1_048_576 : 1_000_000;
  return `${Math.round(bytes / unit)} MB`;
}

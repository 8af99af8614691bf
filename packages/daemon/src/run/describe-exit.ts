import type { ShimStatus } from "@bloomery/contract";

/** An exit in words: `exit code 101 after 12 ms`, `killed by SIGKILL (out of memory) after 3.2 s`. */
export function describeExit(exit: NonNullable<ShimStatus["last_exit"]>): string {
  const how =
    exit.signal === null
      ? `exit code ${exit.code ?? "unknown"}${shellHint(exit.code)}`
      : `killed by ${exit.signal}`;
  const why = exit.oom ? " (out of memory)" : "";
  const note = exit.note === null ? "" : `; ${exit.note}`;
  return `${how}${why} after ${formatDuration(exit.ran_ms)}${note}`;
}

/** What a shell means by its two special codes. */
function shellHint(code: number | null): string {
  if (code === 127) return " (command not found)";
  return code === 126 ? " (command cannot be executed)" : "";
}

export function formatDuration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

import type { ErrorEntry } from "./entry.js";

/** Calls of functions, and their executions. */
export const invocationErrors = {
  ERR_PAYLOAD_NOT_KEPT: {
    status: 409,
    exit: 1,
    when: "An execution is to run again, but what it was called with was not kept.",
    hint: "Set `keep_payloads = true` in `[function]` of bloom.toml; it counts for calls through the API that come after.",
  },
  ERR_EXECUTION_ENDED: {
    status: 409,
    exit: 1,
    when: "An execution is to be cancelled, but it has ended already or is not in the platform's hands.",
    hint: "`bloom execution get EXECUTION` shows how it ended.",
  },
} as const satisfies Record<string, ErrorEntry>;

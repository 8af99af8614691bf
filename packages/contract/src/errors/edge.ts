import type { ErrorEntry } from "./entry.js";

/** What stands between a caller and an app. */
export const edgeErrors = {
  ERR_INPUT_INVALID: {
    status: 400,
    exit: 2,
    when: "The body of a request for a function is not what the function's input schema says, or no JSON at all.",
    hint: "Correct the field that the pointer names; `bloom app get APP --json` shows the schema.",
  },
  ERR_OUTPUT_INVALID: {
    status: 502,
    exit: 10,
    when: "The answer of a function is not what its own output schema says.",
    hint: "Correct the handler or the schema; the pointer names the field.",
  },
  ERR_SCHEMA_INVALID: {
    status: 400,
    exit: 2,
    when: "An input or output schema is no JSON Schema of draft-07 or 2020-12, or refers to something outside itself.",
    hint: "Correct the schema at the place that the message names.",
  },
  ERR_BODY_TOO_LARGE: {
    status: 413,
    exit: 7,
    when: "The body of a request is larger than the function it is for, or the platform, takes.",
    hint: "Send less, or read the body in pieces and raise the function's limit.",
  },
  ERR_FUNCTION_UNREACHABLE: {
    status: 502,
    exit: 9,
    when: "A function's instance broke off without an answer, or none runs and none could be started.",
    hint: "`bloom logs` shows what it said last.",
  },
  ERR_APP_UNREACHABLE: {
    status: 502,
    exit: 1,
    when: "An app does not accept a raw connection on its port, or broke one off.",
    hint: "`bloom ps APP` shows whether it runs, `bloom logs APP` what it said last.",
  },
  ERR_CONNECTION_NOT_CLOSED: {
    status: 500,
    exit: 1,
    when: "The kernel did not end a connection: the daemon is not root, or the kernel has no CONFIG_INET_DIAG_DESTROY.",
    hint: "Run the daemon as root; `bloom restart APP` ends all connections after the drain time.",
  },
} as const satisfies Record<string, ErrorEntry>;

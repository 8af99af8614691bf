import type { ErrorEntry } from "./entry.js";

/** Who may do what, and whether a request makes sense. */
export const accessErrors = {
  // access
  ERR_UNAUTHENTICATED: {
    status: 401,
    exit: 3,
    when: "The request carries no token, or one the daemon does not know or that has expired.",
    hint: "Set BLOOM_TOKEN to a valid token; on the daemon's own machine run the command as the daemon's user.",
  },
  ERR_FORBIDDEN: {
    status: 403,
    exit: 4,
    when: "The token's role is too small for this, or the token is limited to another app or organization.",
    hint: "Ask an admin for a token with a larger role.",
  },

  // requests and names
  ERR_INVALID_ARGUMENT: {
    status: 400,
    exit: 2,
    when: "A value in the request or on the command line is not of the form it must have.",
    hint: "Correct the value and try again.",
  },
  ERR_INVALID_NAME: {
    status: 400,
    exit: 2,
    when: "A name of an app, organization, environment or variable breaks the grammar of names.",
    hint: "Use lowercase letters, digits and single hyphens, starting with a letter.",
  },
  ERR_USAGE: {
    status: 400,
    exit: 2,
    when: "The command line has an unknown verb or flag, or a required argument is missing.",
    hint: "Run the command with --help.",
  },
  ERR_NEEDS_CONFIRMATION: {
    status: 400,
    exit: 2,
    when: "A destructive verb ran without a terminal to ask on.",
    hint: "Repeat the command with --yes.",
  },
  ERR_NOT_FOUND: {
    status: 404,
    exit: 5,
    when: "The app, environment, version, deployment or other thing that was named does not exist.",
    hint: "`bloom apps` lists what exists.",
  },
  ERR_ALREADY_EXISTS: {
    status: 409,
    exit: 6,
    when: "Something with this name exists already.",
    hint: "Choose another name.",
  },
  ERR_INTERRUPTED: {
    status: 499,
    exit: 130,
    when: "The user interrupted the command; what it had begun was cancelled.",
    hint: "Run the command again when ready; the previous version still serves.",
  },
  ERR_DEADLINE: {
    status: 504,
    exit: 8,
    when: "Something did not end within its time limit.",
    hint: "Try again, or raise the limit that the message names.",
  },
  ERR_INTERNAL: {
    status: 500,
    exit: 10,
    when: "A bug in Bloomery, or a failure of the machine that nothing foresaw.",
    hint: "The daemon's log has the details; `bloom doctor` checks the machine.",
  },
} as const satisfies Record<string, ErrorEntry>;

import type { ErrorEntry } from "./entry.js";

/** Making releases live and keeping them so. */
export const deployErrors = {
  // deploy and run
  ERR_DEPLOY_LOCKED: {
    status: 409,
    exit: 6,
    when: "Another deployment holds the environment's lock; the message says whose.",
    hint: "Wait for it to end, or repeat the command with --wait.",
  },
  ERR_ENVIRONMENT_TOO_LARGE: {
    status: 422,
    exit: 2,
    when: "The variables of a build or a release are larger than Linux hands to a process.",
    hint: "Put large values into a file of the project or of a mount, and its path into the variable.",
  },
  ERR_START_FAILED: {
    status: 422,
    exit: 12,
    when: "The new version's start command ended, could not be run, or went into the background before it was ready.",
    hint: "The last lines of its output are above; the previous version still serves.",
  },
  ERR_NOT_READY: {
    status: 422,
    exit: 12,
    when: "The new version did not become ready within its time limit.",
    hint: "Listen on the port given in PORT, or raise `[ready] timeout_seconds`; the previous version still serves.",
  },
  ERR_DEPLOYMENT_LOST: {
    status: 500,
    exit: 1,
    when: "The daemon ended while the deployment ran; it was marked failed and cleaned up.",
    hint: "Deploy again; the previous version still serves.",
  },
  ERR_NOTHING_TO_ROLL_BACK: {
    status: 409,
    exit: 1,
    when: "The environment has no earlier version to go back to.",
    hint: "`bloom versions APP` lists the versions.",
  },
  ERR_NOTHING_DEPLOYED: {
    status: 409,
    exit: 1,
    when: "The environment has no release yet, so there is nothing to start, scale or restart.",
    hint: "Deploy the app first.",
  },
  ERR_QUEUE_FULL: {
    status: 503,
    exit: 1,
    when: "More requests wait for a function than its queue takes.",
    hint: "Try again in a moment; `queue`, `concurrency` and `max_replicas` of [function] decide how many are served.",
  },
  ERR_DRAFT_NOT_COMPILED: {
    status: 409,
    exit: 1,
    when: "A draft was to be published or tried that has not been compiled as it is now.",
    hint: "`bloom draft compile APP` compiles it.",
  },
  ERR_APP_STOPPED: {
    status: 409,
    exit: 1,
    when: "The app was stopped by its owner and this needs it running.",
    hint: "`bloom start APP` starts it.",
  },
  ERR_INSTANCE_LOST: {
    status: 500,
    exit: 1,
    when: "An instance's parent process vanished or no longer answers.",
    hint: "The daemon starts a replacement by itself; `bloom ps` shows it.",
  },
  ERR_LIMIT_REACHED: {
    status: 429,
    exit: 7,
    when: "A limit of the platform (addresses, replicas, size of a request) is used up.",
    hint: "Free some, or raise the limit in the daemon's settings.",
  },
  ERR_HOOK_FAILED: {
    status: 422,
    exit: 12,
    when: "A `deploy` or `post_deploy` hook, or `pre_start` or `post_start`, ended with an error.",
    hint: "`bloom log deploy APP` shows what the hook said; `[deploy] on_hook_failure` decides what then serves.",
  },
  ERR_HOLD_EXCEEDED: {
    status: 503,
    exit: 8,
    when: "A request was held during a stop-start deployment for longer than it may wait.",
    hint: "Make the start faster, or raise `[deploy] hold_seconds`.",
  },
  ERR_VOLUME_SETUP: {
    status: 500,
    exit: 1,
    when: "The folder or disk behind a mount could not be made, found or enlarged.",
    hint: "The message names the command that failed; `bloom doctor` checks disks and loop devices.",
  },
} as const satisfies Record<string, ErrorEntry>;

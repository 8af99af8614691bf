/** What one error code means to the API, to scripts and to the reader. */
export interface ErrorEntry {
  /** HTTP status of the API's answer. */
  readonly status: number;
  /** Exit code of the CLI. */
  readonly exit: number;
  /** When it happens: one sentence for docs/errors.md. */
  readonly when: string;
  /** What to do next when the place that throws says nothing better. */
  readonly hint: string;
}

/** Exit codes that scripts may rely on. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  unauthenticated: 3,
  forbidden: 4,
  notFound: 5,
  conflict: 6,
  limit: 7,
  deadline: 8,
  unreachable: 9,
  internal: 10,
  buildFailed: 11,
  notReady: 12,
  interrupted: 130,
} as const;

/** All error codes, grouped by area. A code is never renamed once released. */
export const errorCatalog = {
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

  // reaching and running the daemon
  ERR_DAEMON_UNREACHABLE: {
    status: 503,
    exit: 9,
    when: "No daemon answers at the address the CLI was given.",
    hint: "Start it with `npm start` or `bloom server start`, or set BLOOM_API.",
  },
  ERR_DAEMON_RUNNING: {
    status: 409,
    exit: 6,
    when: "A daemon is already running on this home directory.",
    hint: "`bloom server status` shows it; `bloom server stop` ends it.",
  },
  ERR_PORT_TAKEN: {
    status: 409,
    exit: 6,
    when: "A port the daemon or an app must listen on is held by another process.",
    hint: "Stop the holder, or choose another port with the flag that the message names.",
  },
  ERR_SYSTEM_PACKAGE_MISSING: {
    status: 500,
    exit: 1,
    when: "A program the platform needs (nginx, bubblewrap, ip, nft, cargo…) is not installed.",
    hint: "`bloom doctor` says how to install each.",
  },
  ERR_SANDBOX_UNAVAILABLE: {
    status: 500,
    exit: 1,
    when: "The kernel or its settings do not allow the namespaces the sandbox is made of.",
    hint: "`bloom doctor` names the setting to change.",
  },
  ERR_NETWORK_SETUP: {
    status: 500,
    exit: 1,
    when: "A network namespace, address or nftables rule could not be made.",
    hint: "`bloom doctor` checks the network tools; the daemon's log has the command that failed.",
  },
  ERR_NGINX_CONFIG: {
    status: 500,
    exit: 10,
    when: "nginx refused the configuration generated for it; the previous one stays in force.",
    hint: "The message carries nginx's own words; this is a bug unless the configuration was edited by hand.",
  },
  ERR_NGINX_START: {
    status: 500,
    exit: 1,
    when: "nginx did not start or did not come back after a reload.",
    hint: "See nginx/log/error.log below the daemon's home.",
  },

  // store
  ERR_STORE_OPEN: {
    status: 500,
    exit: 1,
    when: "The database cannot be opened or reached.",
    hint: "Check the database URL, the file's permissions and the disk.",
  },
  ERR_STORE_TOO_NEW: {
    status: 500,
    exit: 1,
    when: "The database was migrated by a newer release of Bloomery than this one.",
    hint: "Start the newer release, or restore the database from before it ran.",
  },

  // the user's project
  ERR_MANIFEST_INVALID: {
    status: 422,
    exit: 2,
    when: "A file of the project (.platform.app.yaml, bloom.toml, Cargo.toml) has mistakes; all of them are listed.",
    hint: "Correct the places listed; `bloom validate` checks without deploying.",
  },
  ERR_SHAPE_UNKNOWN: {
    status: 422,
    exit: 2,
    when: "Nothing in the folder says what kind of app it is.",
    hint: "Add a Cargo.toml with a binary, a .platform.app.yaml or a bloom.toml; `bloom init` writes one.",
  },
  ERR_SHAPE_UNSUPPORTED: {
    status: 422,
    exit: 2,
    when: "The project has a shape that this release does not run yet.",
    hint: "See the README for the shapes that work.",
  },
  ERR_SOURCE_UNSAFE: {
    status: 400,
    exit: 2,
    when: "The source has a path with `..`, an absolute path, a link that leaves the tree, a device or a socket.",
    hint: "Remove the entry that the message names, or add it to .bloomignore.",
  },
  ERR_SOURCE_INCOMPLETE: {
    status: 409,
    exit: 1,
    when: "A deployment named a source tree of which some files never arrived.",
    hint: "Deploy again; only what is missing is sent.",
  },
  ERR_SOURCE_TOO_LARGE: {
    status: 413,
    exit: 7,
    when: "The source has more files or bytes than the daemon accepts.",
    hint: "Keep build output and data out of the upload with .gitignore or .bloomignore.",
  },

  // build
  ERR_BUILD_FAILED: {
    status: 422,
    exit: 11,
    when: "The build command ended with an error.",
    hint: "The last lines of the build log are above; correct the source and deploy again.",
  },
  ERR_BUILD_TIMEOUT: {
    status: 422,
    exit: 11,
    when: "The build ran longer than its time limit and was ended.",
    hint: "Raise the daemon's build time limit, or find what hangs in the build log.",
  },
  ERR_BUILD_CANCELLED: {
    status: 409,
    exit: 130,
    when: "The build was cancelled before it ended.",
    hint: "Deploy again when ready.",
  },
  ERR_BUILD_OUTPUT_UNSAFE: {
    status: 422,
    exit: 11,
    when: "The build left something that cannot be part of an artifact, such as a device or a link out of the tree.",
    hint: "Change the build so that it does not create the entry that the message names.",
  },
  ERR_TOOLCHAIN_MISSING: {
    status: 500,
    exit: 11,
    when: "No Rust toolchain is installed where the daemon can see it.",
    hint: "Install Rust with rustup or your distribution's packages, then deploy again.",
  },
  ERR_ARTIFACT_DAMAGED: {
    status: 500,
    exit: 10,
    when: "A stored artifact is missing or does not match its checksum.",
    hint: "Deploy the version's source again to rebuild it.",
  },

  // deploy and run
  ERR_DEPLOY_LOCKED: {
    status: 409,
    exit: 6,
    when: "Another deployment holds the environment's lock; the message says whose.",
    hint: "Wait for it to end, or repeat the command with --wait.",
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
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalog;

import type { ErrorEntry } from "./entry.js";

/** The user's project and its build. */
export const projectErrors = {
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
  ERR_APP_AMBIGUOUS: {
    status: 422,
    exit: 2,
    when: "The project describes several apps and nothing says which of them is meant.",
    hint: "Name one with --app-name, or run the command in its folder.",
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
  ERR_DISK_FULL: {
    status: 507,
    exit: 7,
    when: "A disk that the platform writes to, or an app's own volume, has no room left.",
    hint: "`bloom doctor` names the disk; `bloom app delete` and `bloom mount size` show what can go.",
  },
} as const satisfies Record<string, ErrorEntry>;

import type { ErrorEntry } from "./entry.js";

/** The daemon itself and what it keeps. */
export const platformErrors = {
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
  ERR_ISOLATION_UNAVAILABLE: {
    status: 422,
    exit: 2,
    when: "The manifest limits what the app may reach on the network, and this machine cannot keep that.",
    hint: "Run the daemon as root, or let the app listen on a unix socket (`[run] socket_family`); `bloom server start --weak-isolation accept` runs it without the limit.",
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
  ERR_STORE_DAMAGED: {
    status: 500,
    exit: 10,
    when: "The database's own check fails: the file is damaged, or is no database.",
    hint: "Stop the daemon and put a backup in its place; docs/guides/restore.md says how.",
  },
  ERR_SECRETS_LOST: {
    status: 500,
    exit: 10,
    when: "A stored value was sealed with another secrets.key than the daemon has.",
    hint: "Restore secrets.key from the backup that belongs to this database, or see docs/guides/restore.md.",
  },
} as const satisfies Record<string, ErrorEntry>;

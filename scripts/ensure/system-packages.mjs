import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../lib/find-program.mjs";
import { runQuietly } from "../lib/run-command.mjs";
import { writeWhole } from "../lib/stamps.mjs";
import { StepError } from "../lib/steps.mjs";

/**
 * Programs that come as Debian or Ubuntu packages. `rootOnly`: needed only where the daemon runs as
 * root. `optional`: tests that want it say that they are skipped.
 */
export const programs = {
  start: [
    { program: "cc", package: "build-essential" },
    { program: "git", package: "git" },
    { program: "nginx", package: "nginx" },
    // Modules that nginx can do without; the platform says what is lost.
    ...["brotli-filter", "brotli-static", "headers-more-filter"].map((name) => ({
      program: `ngx_http_${name.replaceAll("-", "_")}_module.so`,
      package: `libnginx-mod-http-${name}`,
      rootOnly: true,
      optional: true,
    })),
    // Without it tcp apps are refused.
    {
      program: "ngx_stream_module.so",
      package: "libnginx-mod-stream",
      rootOnly: true,
      optional: true,
    },
    { program: "bwrap", package: "bubblewrap" },
    // Build hooks and start scripts written for other platforms read their variables with it.
    { program: "jq", package: "jq" },
    { program: "mkfs.ext4", package: "e2fsprogs", rootOnly: true },
    { program: "ip", package: "iproute2", rootOnly: true },
    { program: "nft", package: "nftables", rootOnly: true },
    { program: "conntrack", package: "conntrack", rootOnly: true },
  ],
  compile: [
    { program: "python3", package: "python3" },
    { program: "make", package: "make" },
    { program: "g++", package: "g++" },
  ],
  test: [{ program: "initdb", package: "postgresql", optional: true }],
  bench: [
    { program: "wrk", package: "wrk" },
    { program: "hyperfine", package: "hyperfine" },
    // The peer of prefork apps; that suite is skipped without it.
    { program: "uwsgi-core", package: "uwsgi-core", optional: true },
    // The same for tcp apps.
    { program: "haproxy", package: "haproxy", optional: true },
  ],
};

/** Installs what is missing of `wanted`, or names the one command that does. Returns what it did. */
export async function ensureSystemPackages(wanted, say, machine = lookAtMachine()) {
  const plan = planSystemPackages(wanted, machine);
  const notes = [];
  for (const group of [plan.required, plan.optional]) {
    if (group.length === 0) continue;
    const isOptional = group === plan.optional;
    const command = `apt-get install --no-install-recommends ${group.join(" ")}`;
    if (!plan.install) {
      if (isOptional) {
        notes.push(`without ${group.join(", ")}; what needs it is left out`);
        continue;
      }
      throw new StepError(`Missing on this machine: ${group.join(", ")}.`, {
        hint: machine.hasApt ? `Type: sudo ${command}` : "Install these with your system's package manager.",
      });
    }
    say(`installing ${group.join(", ")}`);
    try {
      await applyInstall(group);
      notes.push(`installed ${group.join(", ")}`);
    } catch (cause) {
      if (!isOptional) {
        throw new StepError("The system packages could not be installed.", {
          hint: `Type: ${command}`,
          cause,
        });
      }
      notes.push(`without ${group.join(", ")}, which could not be installed; what needs it is left out`);
    }
  }
  return notes.length === 0 ? "all there" : notes.join("; ");
}

/** Decides what to install: `{ required, optional, install }`, package names in the order of `wanted`. */
export function planSystemPackages(wanted, { has, isRoot, hasApt }) {
  const missing = wanted.filter((one) => (isRoot || one.rootOnly !== true) && !has(one.program));
  const names = (some) => [...new Set(some.map((one) => one.package))];
  return {
    required: names(missing.filter((one) => one.optional !== true)),
    optional: names(missing.filter((one) => one.optional === true)),
    install: isRoot && hasApt,
  };
}

function lookAtMachine() {
  return {
    has: (program) =>
      program.endsWith(".so")
        ? existsSync(join("/usr/lib/nginx/modules", program))
        : findProgram(program, program === "initdb" ? postgresFolders() : []) !== undefined,
    isRoot: process.getuid?.() === 0,
    hasApt: findProgram("apt-get") !== undefined,
  };
}

/** Debian keeps the server's programs of each release apart and off the PATH. */
function postgresFolders() {
  const base = "/usr/lib/postgresql";
  return existsSync(base) ? readdirSync(base).map((version) => join(base, version, "bin")) : [];
}

let listsAreFresh = false;

async function applyInstall(packages) {
  // RUNLEVEL=1 keeps the packages' own services (a system-wide nginx, a database) from starting.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  if (packages.includes("postgresql")) preventDefaultCluster();
  if (!listsAreFresh) await runQuietly(["apt-get", "update", "-q"], { env });
  listsAreFresh = true;
  const options = ["-y", "-q", "--no-install-recommends"];
  options.push("-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=120");
  await runQuietly(["apt-get", "install", ...options, ...packages], { env });
}

/** The tests make a private cluster of their own; the one Debian would make on install has no use. */
function preventDefaultCluster() {
  const file = "/etc/postgresql-common/createcluster.conf";
  if (existsSync(file)) return;
  writeWhole(
    file,
    "# Written before the package was installed, for tests that bring their own cluster.\ncreate_main_cluster = false\n",
  );
}

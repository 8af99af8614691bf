import { execFile } from "node:child_process";
import { access, constants, readFile, statfs } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import type { Command, Context } from "../command.js";

interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** Without it the platform works, but less well. */
  readonly optional: boolean;
  readonly found: string;
  readonly fix: string;
}

export const doctorCommand: Command = {
  name: "doctor",
  group: "Server",
  summary: "Check this machine, and say how to mend what is missing",
  examples: ["bloom doctor", "bloom doctor --json"],
  async run(context) {
    const checks = await runChecks(context);
    const broken = checks.filter((one) => !one.ok && !one.optional);
    const { output } = context;
    const lines = checks.flatMap((one) => [
      `${one.ok ? output.paint("green", "ok  ") : one.optional ? output.paint("yellow", "warn") : output.paint("red", "FAIL")}  ${one.name}: ${one.found}`,
      ...(one.ok ? [] : [`      next: ${one.fix}`]),
    ]);
    output.result({ ok: broken.length === 0, checks }, lines);
    return broken.length === 0 ? 0 : 1;
  },
};

async function runChecks(context: Context): Promise<Check[]> {
  const isRoot = process.getuid?.() === 0;
  const install = (name: string): string => `sudo apt-get install ${name}`;
  const rust = "curl https://sh.rustup.rs | sh, or your distribution's package";
  return Promise.all([
    Promise.resolve(
      judge(
        "node",
        process.versions.node.localeCompare("20.19.0", "en", { numeric: true }) >= 0,
        process.version,
        "install Node 20.19 or newer",
      ),
    ),
    program("cargo", ["--version"], rust),
    program("rustc", ["--version"], rust),
    program("cc", ["--version"], install("build-essential")),
    program("nginx", ["-v"], install("nginx")),
    program(
      "bwrap",
      ["--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "echo", "a sandbox works"],
      `${install("bubblewrap")}; allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)`,
    ),
    program("git", ["--version"], install("git"), true),
    program("ip", ["-V"], install("iproute2"), !isRoot),
    program("nft", ["--version"], install("nftables"), !isRoot),
    program("conntrack", ["--version"], install("conntrack"), !isRoot),
    Promise.resolve(checkRoot(isRoot)),
    checkCgroups(isRoot),
    checkDisk(context.settings.home),
    checkDaemon(context),
  ]);
}

function judge(name: string, ok: boolean, found: string, fix: string, optional = false): Check {
  return { name, ok, optional, found, fix };
}

async function program(name: string, argv: readonly string[], fix: string, optional = false): Promise<Check> {
  const path = await find(name);
  if (path === undefined) return judge(name, false, "not installed", fix, optional);
  return new Promise((resolve) => {
    execFile(path, [...argv], { timeout: 10_000 }, (error, stdout, stderr) => {
      const text = `${stdout}${stderr}`.trim().split("\n")[0] ?? "";
      resolve(judge(name, error === null, text === "" ? path : text, fix, optional));
    });
  });
}

async function find(name: string): Promise<string | undefined> {
  for (const folder of [
    ...(process.env["PATH"] ?? "").split(delimiter),
    "/usr/sbin",
    "/sbin",
    "/usr/bin",
    "/bin",
  ]) {
    const path = join(folder, name);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

function checkRoot(isRoot: boolean): Check {
  return judge(
    "privilege",
    isRoot,
    isRoot
      ? "root: every instance has its own network and user"
      : "not root: instances share the host's network and your user",
    "run the daemon as root to isolate apps from each other",
    true,
  );
}

async function checkCgroups(isRoot: boolean): Promise<Check> {
  const mounts = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  const found = / - cgroup .*\bmemory\b/.test(mounts) ? "v1" : mounts.includes(" - cgroup2 ") ? "v2" : "none";
  return judge(
    "control groups",
    found !== "none" && isRoot,
    isRoot ? found : `${found}, only root can use them`,
    "without them, memory and process limits are per process",
    true,
  );
}

async function checkDisk(home: string): Promise<Check> {
  let folder = home;
  for (;;) {
    const space = await statfs(folder).catch(() => undefined);
    if (space !== undefined) {
      const free = (space.bavail * space.bsize) / 1e9;
      return judge(
        "disk",
        free >= 2,
        `${free.toFixed(1)} GB free for ${home}`,
        "free at least 2 GB: builds of Rust apps are large",
      );
    }
    if (folder === "/") return judge("disk", false, "unknown", "make the home folder reachable");
    folder = dirname(folder);
  }
}

async function checkDaemon(context: Context): Promise<Check> {
  const found = await context
    .client()
    .call("getHealth", {})
    .then(
      (health) => `answers at ${context.settings.api} (${health.version})`,
      () => undefined,
    );
  return judge(
    "daemon",
    found !== undefined,
    found ?? `nothing answers at ${context.settings.api}`,
    "npm start, or bloom server start",
    true,
  );
}

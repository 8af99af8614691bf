import type { Context } from "../command.js";
import { judge, type Check } from "./check.js";
import { checkVolumes } from "./disks.js";
import { checkDaemon, checkDisk } from "./daemon.js";
import { checkForwarding } from "./firewall.js";
import { checkCgroups, checkNamespaces, checkPrivilege } from "./kernel.js";
import { checkNginx } from "./nginx.js";
import { checkProgram, type ProgramCheck } from "./programs.js";
import { lookUpHost } from "../prefork/find-host.js";

const oldestNode = "20.19.0";

/** Everything that `bloom doctor` looks at, in the order it is printed. */
export async function runChecks(context: Context): Promise<Check[]> {
  const isRoot = process.getuid?.() === 0;
  const { env, settings } = context;
  const programs = [...planPrograms(isRoot), planHost(env)].map((wanted) => checkProgram(wanted, env));
  const [found, nginx, namespaces, cgroups, forwarding, volumes, disk, daemon] = await Promise.all([
    Promise.all(programs),
    checkNginx(env),
    checkNamespaces(),
    checkCgroups(isRoot),
    // A plain user's instances use the machine's own network, and volumes without a size.
    isRoot ? checkForwarding(env).then(alone) : [],
    isRoot ? checkVolumes(env).then(alone) : [],
    checkDisk(settings.home),
    checkDaemon(context),
  ]);
  const kernel = [namespaces, checkPrivilege(isRoot), cgroups, ...forwarding, ...volumes];
  return [checkNode(), ...found, ...nginx, ...kernel, disk, ...daemon];
}

const alone = (check: Check): Check[] => [check];

function checkNode(): Check {
  const isNew = process.versions.node.localeCompare(oldestNode, "en", { numeric: true }) >= 0;
  return judge("node", isNew, process.version, "install Node 20.19 or newer");
}

/** Only apps of the shape prefork need it. */
function planHost(env: NodeJS.ProcessEnv): ProgramCheck {
  return {
    name: "bloom-prefork",
    path: lookUpHost(env),
    argv: ["--version"],
    fix: "in a checkout `npm start` builds it; BLOOM_PREFORK names another one. Prefork apps need it",
    optional: true,
  };
}

function planPrograms(isRoot: boolean): ProgramCheck[] {
  const install = (name: string): string => `sudo apt-get install ${name}`;
  const rust = "install Rust from https://rustup.rs, or your distribution's packages cargo and rustc";
  return [
    { name: "cargo", argv: ["--version"], fix: rust },
    { name: "rustc", argv: ["--version"], fix: rust },
    { name: "cc", argv: ["--version"], fix: install("build-essential") },
    { name: "nginx", argv: ["-v"], fix: install("nginx") },
    {
      name: "bwrap",
      // As the sandbox does it: what counts is that the kernel lets it.
      argv: ["--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "true"],
      found: "a sandbox works",
      fix: `${install("bubblewrap")}, and allow user namespaces`,
    },
    {
      name: "jq",
      argv: ["--version"],
      fix: `${install("jq")}; scripts read PLATFORM_VARIABLES with it`,
      optional: true,
    },
    { name: "git", argv: ["--version"], fix: install("git"), optional: true },
    ...(isRoot
      ? [
          { name: "ip", argv: ["-V"], fix: install("iproute2") },
          { name: "nft", argv: ["--version"], fix: install("nftables") },
          { name: "conntrack", argv: ["--version"], fix: install("conntrack") },
        ]
      : []),
  ];
}

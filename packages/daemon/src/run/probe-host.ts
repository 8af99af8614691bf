import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { findProgram } from "../build/sandbox/find-program.js";
import { cgroupBases, planCgroupLayout, type CgroupLayout } from "./plan-cgroups.js";

/** What this machine offers; probed once at start. */
export interface HostFacts {
  readonly isRoot: boolean;
  readonly bwrap: string;
  readonly nginx: string;
  readonly cgroups: CgroupLayout;
  /** What is missing although the platform works without it, each with its remedy. */
  readonly warnings: readonly string[];
}

/**
 * Finds the programs and control groups, and tries the sandbox. Throws ERR_SYSTEM_PACKAGE_MISSING with the
 * packages to install, ERR_SANDBOX_UNAVAILABLE with bubblewrap's own words.
 */
export async function probeHost(group: string): Promise<HostFacts> {
  const isRoot = process.getuid?.() === 0;
  const programs = {
    bubblewrap: "bwrap",
    nginx: "nginx",
    ...(isRoot ? { iproute2: "ip", nftables: "nft", conntrack: "conntrack" } : {}),
  };
  const found = new Map<string, string>();
  const missing: string[] = [];
  for (const [debianPackage, program] of Object.entries(programs)) {
    const path = await findProgram(program, process.env);
    if (path === null) missing.push(debianPackage);
    else found.set(program, path);
  }
  if (missing.length > 0) {
    throw new BloomError("ERR_SYSTEM_PACKAGE_MISSING", `not installed: ${missing.join(", ")}`, {
      hint: `On Debian and Ubuntu: sudo apt-get install ${missing.join(" ")}`,
    });
  }
  const bwrap = found.get("bwrap") ?? "bwrap";
  await assertSandbox(bwrap);
  return Object.freeze({
    isRoot,
    bwrap,
    nginx: found.get("nginx") ?? "nginx",
    cgroups: await probeCgroups(isRoot, group),
    warnings: await findWarnings(isRoot),
  });
}

/** Programs that apps or single features need, with what is lost without them. */
async function findWarnings(isRoot: boolean): Promise<readonly string[]> {
  const wanted = [
    { program: "jq", debianPackage: "jq", loss: "scripts that read PLATFORM_VARIABLES and the like fail" },
    { program: "base64", debianPackage: "coreutils", loss: "scripts cannot decode PLATFORM_ variables" },
    ...(isRoot
      ? [{ program: "mkfs.ext4", debianPackage: "e2fsprogs", loss: "`disk` is measured instead of enforced" }]
      : []),
  ];
  const warnings: string[] = [];
  for (const { program, debianPackage, loss } of wanted) {
    if ((await findProgram(program, process.env)) !== null) continue;
    warnings.push(`${program} is not installed: ${loss} (sudo apt-get install ${debianPackage})`);
  }
  return warnings;
}

function assertSandbox(bwrap: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(
      bwrap,
      ["--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "true"],
      (error, _stdout, stderr) => {
        if (error === null) return resolve();
        reject(
          new BloomError(
            "ERR_SANDBOX_UNAVAILABLE",
            `bubblewrap cannot make a sandbox: ${stderr.trim() || error.message}`,
            {
              hint: "Allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000",
              cause: error,
            },
          ),
        );
      },
    );
  });
}

/** The layout the kernel describes, less whatever turns out not to be writable. */
async function probeCgroups(isRoot: boolean, group: string): Promise<CgroupLayout> {
  const layout = planCgroupLayout({
    selfCgroup: await readFile("/proc/self/cgroup", "utf8").catch(() => ""),
    mountinfo: await readFile("/proc/self/mountinfo", "utf8").catch(() => ""),
    isRoot,
    group,
  });
  for (const base of cgroupBases(layout)) {
    try {
      await mkdir(base, { recursive: true });
      if (layout.kind === "v2") await writeFile(join(base, "cgroup.subtree_control"), "+memory +cpu +pids");
    } catch {
      return { kind: "none" };
    }
  }
  return layout;
}

import { readFile } from "node:fs/promises";
import { judge, type Check } from "./check.js";

/** Settings that keep plain users from making namespaces, with the value that allows it. */
const namespaceSettings = [
  { path: "kernel/unprivileged_userns_clone", isFine: (value: number) => value === 1, wanted: "1" },
  {
    path: "kernel/apparmor_restrict_unprivileged_userns",
    isFine: (value: number) => value === 0,
    wanted: "0",
  },
  { path: "user/max_user_namespaces", isFine: (value: number) => value > 0, wanted: "28633" },
] as const;

/** `readSetting` gives the text of a file below /proc/sys, undefined when the kernel has no such setting. */
export async function checkNamespaces(
  readSetting: (path: string) => Promise<string | undefined> = readSysctl,
): Promise<Check> {
  const wrong: string[] = [];
  const fixes: string[] = [];
  for (const { path, isFine, wanted } of namespaceSettings) {
    const text = await readSetting(path);
    if (text === undefined || isFine(Number(text))) continue;
    const name = path.replace("/", ".");
    wrong.push(`${name} is ${text.trim()}`);
    fixes.push(`sudo sysctl -w ${name}=${wanted}`);
  }
  const isFine = wrong.length === 0;
  return judge("user namespaces", isFine, isFine ? "allowed" : wrong.join(", "), fixes.join(" && "));
}

async function readSysctl(path: string): Promise<string | undefined> {
  return readFile(`/proc/sys/${path}`, "utf8").catch(() => undefined);
}

/** Control groups hold an app to its memory, cpu and process limits as a whole. */
export async function checkCgroups(isRoot: boolean): Promise<Check> {
  const mounts = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  const found = / - cgroup .*\bmemory\b/.test(mounts) ? "v1" : mounts.includes(" - cgroup2 ") ? "v2" : "none";
  const words = isRoot ? found : `${found}, but only root can use them`;
  const fix = "run the daemon as root with control groups mounted; without them limits are per process";
  return judge("control groups", found !== "none" && isRoot, words, fix, true);
}

export function checkPrivilege(isRoot: boolean): Check {
  const found = isRoot
    ? "root: every instance has its own network and user"
    : "not root: instances share the host's network and your user, and apps with limits of it are refused";
  return judge("privilege", isRoot, found, "run the daemon as root to isolate apps from each other", true);
}

import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram } from "./find-program.mjs";
import { runQuietly } from "./run-command.mjs";
import { readText } from "./stamps.mjs";

/** Programs that only the platform starts. */
const programs = new Set(["bloom-shim", "bloom-prefork", "nginx", "bwrap"]);

/** Names of everything of ours that exists on the machine now, each as one readable line. */
export async function takeSnapshot() {
  return new Set([
    ...listProcesses(),
    ...listNames("/run/netns", /^bl-/, "network namespace"),
    ...listNames("/sys/class/net", /^bv-/, "network link"),
    ...listNames(tmpdir(), /^bloom/, "temporary folder"),
    ...listCgroups("/sys/fs/cgroup", 6),
    ...listMounts(),
    ...listLoopDevices(),
    ...(await listNftTables()),
  ]);
}

/**
 * What is there now and was not in `before`. The kernel takes links and namespaces away a moment after the
 * command that removes them returns, so everything gets `patienceMs` to go.
 */
export async function findLeaks(before, patienceMs = 5000) {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const leaks = [...(await takeSnapshot())].filter((line) => !before.has(line));
    if (leaks.length === 0 || performance.now() > deadline) return leaks;
    await sleep(200);
  }
}

function listProcesses() {
  return list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const program = basename(readlinkSync(`/proc/${pid}/exe`).replace(" (deleted)", ""));
        const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        const isDaemon = /\bdaemon\/(dist|src)\/main\.[jt]s\b/.test(argv);
        if (!programs.has(program) && !isDaemon) return [];
        // The start time tells a process from a later one with the same id.
        const started = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ")[19];
        return [`process ${pid} (started ${started}): ${argv.slice(0, 120)}`];
      } catch {
        // It ended while we looked, or it is a kernel thread.
        return [];
      }
    });
}

function listCgroups(folder, depth) {
  if (depth === 0) return [];
  return list(folder, { foldersOnly: true }).flatMap((name) => {
    const path = join(folder, name);
    const own = name.startsWith("bloomery") ? [`cgroup ${path}`] : [];
    return [...own, ...listCgroups(path, depth - 1)];
  });
}

function listMounts() {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((target) => /\/bl-[0-9a-f]+$|\/bloom/.test(target))
    .map((target) => `mount ${target}`);
}

/** Disks behind mounts: files of a home, seen as block devices. */
function listLoopDevices() {
  return list("/sys/block")
    .filter((name) => name.startsWith("loop"))
    .map((name) => readText(`/sys/block/${name}/loop/backing_file`)?.trim() ?? "")
    .filter((file) => file.includes("/bloom"))
    .map((file) => `loop device of ${file}`);
}

async function listNftTables() {
  if (process.getuid?.() !== 0 || findProgram("nft") === undefined) return [];
  const { stdout } = await runQuietly([findProgram("nft"), "list", "tables"]);
  return stdout
    .split("\n")
    .filter((line) => /^table \w+ bloom/.test(line))
    .map((line) => `nft ${line}`);
}

function listNames(folder, pattern, kind) {
  return list(folder)
    .filter((name) => pattern.test(name))
    .map((name) => `${kind} ${join(folder, name)}`);
}

function list(folder, { foldersOnly = false } = {}) {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => !foldersOnly || entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}

import { readFile, readdir, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BloomError } from "@bloomery/contract";

/** How the processes of one build are told from all others. */
export interface ProcessTree {
  /** The process that was started; leader of its own group. Null: not known any more. */
  readonly pid: number | null;
  /** Control groups that hold the tree and nothing else. */
  readonly groups: readonly string[];
  /** A uid that nothing else on the machine uses; null when there is none. */
  readonly uid: number | null;
}

interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  /** Clock ticks since boot: with the pid it names one process for ever. */
  readonly start: string;
  readonly isZombie: boolean;
}

const limitMs = 5000;

/**
 * Kills a build's whole tree and proves that nothing of it is left; harmless when it has ended already.
 * Throws ERR_INTERNAL when something survives for five seconds.
 */
export async function endProcessTree(tree: ProcessTree): Promise<void> {
  const descendants = tree.pid === null ? [] : await findDescendants(tree.pid);
  if (tree.pid !== null) killQuietly(-tree.pid);
  for (const one of descendants) killQuietly(one.pid);
  for (const begin = performance.now(); ; await delay(10)) {
    const left = await findLeft(tree, descendants);
    if (left.length === 0) return;
    if (performance.now() - begin > limitMs) {
      throw new BloomError(
        "ERR_INTERNAL",
        `processes of a build could not be ended: ${left.slice(0, 10).join(", ")}`,
      );
    }
    for (const pid of left) killQuietly(pid);
  }
}

/** Times the kernel killed something in these groups because their memory was used up. */
export function countOomKills(groups: readonly string[]): Promise<number> {
  return countEvents(groups, ["memory.events", "memory.oom_control"], /^oom_kill (\d+)/m);
}

/** Times a process or thread was refused in these groups because there were too many. */
export function countRefusals(groups: readonly string[]): Promise<number> {
  return countEvents(groups, ["pids.events"], /^max (\d+)/m);
}

async function countEvents(
  groups: readonly string[],
  names: readonly string[],
  line: RegExp,
): Promise<number> {
  let count = 0;
  for (const group of groups) {
    for (const name of names) {
      const text = await readFile(join(group, name), "utf8").catch(() => "");
      count += Number(line.exec(text)?.[1] ?? 0);
    }
  }
  return count;
}

export async function removeGroups(groups: readonly string[]): Promise<void> {
  for (const group of groups) await rmdir(group).catch(() => undefined);
}

async function findLeft(tree: ProcessTree, descendants: readonly ProcessFacts[]): Promise<number[]> {
  const left = new Set<number>();
  for (const one of descendants) {
    const now = await readProcess(one.pid);
    if (now !== null && now.start === one.start && !now.isZombie) left.add(one.pid);
  }
  for (const group of tree.groups) {
    const text = await readFile(join(group, "cgroup.procs"), "utf8").catch(() => "");
    for (const line of text.split("\n"))
      if (line !== "" && (await isAlive(Number(line)))) left.add(Number(line));
  }
  if (tree.uid !== null && tree.uid !== 0) {
    for (const pid of await listPids()) {
      const owner = await stat(`/proc/${pid}`).catch(() => null);
      if (owner?.uid === tree.uid && (await isAlive(pid))) left.add(pid);
    }
  }
  return [...left];
}

async function findDescendants(root: number): Promise<ProcessFacts[]> {
  const all: ProcessFacts[] = [];
  for (const pid of await listPids()) {
    const facts = await readProcess(pid);
    if (facts !== null) all.push(facts);
  }
  const members = new Set([root]);
  // Children may have smaller numbers than their parents once numbers wrap around: repeat until it settles.
  for (let before = 0; before !== members.size;) {
    before = members.size;
    for (const one of all) if (members.has(one.parent)) members.add(one.pid);
  }
  return all.filter((one) => members.has(one.pid));
}

async function listPids(): Promise<number[]> {
  const names = await readdir("/proc");
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

async function isAlive(pid: number): Promise<boolean> {
  const facts = await readProcess(pid);
  return facts !== null && !facts.isZombie;
}

async function readProcess(pid: number): Promise<ProcessFacts | null> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The name in parentheses may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, parent] = fields;
  const start = fields[19];
  if (state === undefined || parent === undefined || start === undefined) return null;
  return { pid, parent: Number(parent), start, isZombie: state === "Z" || state === "X" };
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended already
  }
}

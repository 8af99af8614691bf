import { readdir, readFile } from "node:fs/promises";
import type { HostProcess } from "./plan-workers.js";

/** More than any app may have; what grows beyond it is not followed. */
const mostProcesses = 8192;

/** A process and all below it, by the pid that each has in its innermost namespace. */
export async function listInside(root: number): Promise<ReadonlyMap<number, HostProcess>> {
  const found = new Map<number, HostProcess>();
  const seen = new Set<number>([root]);
  let level = [root];
  while (level.length > 0 && seen.size < mostProcesses) {
    const all = await Promise.all(level.map(async (pid) => ({ pid, text: await readStatus(pid) })));
    for (const { pid, text } of all) {
      const inner = parseInnerPid(text);
      if (inner !== null) found.set(inner, { pid, memoryBytes: parseMemory(text) });
    }
    const below = (await Promise.all(level.map(readChildren))).flat();
    level = below.filter((pid) => !seen.has(pid));
    for (const pid of level) seen.add(pid);
  }
  return found;
}

/** `NSpid:` has the pid in each namespace from ours inward. */
export function parseInnerPid(status: string): number | null {
  const last = /^NSpid:((?:\s+\d+)+)$/m.exec(status)?.[1]?.trim().split(/\s+/).at(-1);
  return last === undefined ? null : Number(last);
}

export function parseMemory(status: string): number | null {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

/** One that is gone has no words. */
function readStatus(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
}

async function readChildren(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, "utf8").catch(() => "")),
  );
  return lists.flatMap((list) => list.split(" ").filter(Boolean).map(Number));
}

import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Processor time of a process so far; 100 ticks are a second. */
export function readTicks(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

export function readResidentKb(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
}

/** Waits until a process has done nearly nothing for a second, so that what it had to catch up with counts, too. */
export async function readTicksAtRest(pid) {
  let before = readTicks(pid);
  for (;;) {
    await delay(1000);
    const now = readTicks(pid);
    if (now - before <= 5) return now;
    before = now;
  }
}

/** Pids of the children of a process that has one thread; none when it is gone. */
export function readChildren(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Memory of a process and all under it, each shared page by the part that is theirs; in megabytes. */
export function readProportionalMb(pid) {
  let kb = 0;
  try {
    kb = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
  } catch {
    // It has just ended.
  }
  return kb / 1024 + readChildren(pid).reduce((sum, child) => sum + readProportionalMb(child), 0);
}

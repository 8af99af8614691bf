import { readFile } from "node:fs/promises";

/**
 * When a process started, in clock ticks since boot (field 22 of /proc/PID/stat); undefined when there is no
 * such process or it is a zombie. Together with the pid it names one process for ever.
 */
export async function readProcessStart(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The command may hold spaces and brackets; the fields after its last bracket are plain.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[19] === undefined ? undefined : fields[19];
}

import { readFile } from "node:fs/promises";
import { execa } from "execa";

export interface NginxUser {
  readonly uid: number;
  readonly gid: number;
}

/** The one right of root that is kept: to open ports below 1024. */
const right = "net_bind_service";

/** What to put before a command so that it becomes this user and may open any port. Root may give this away. */
export function planLowPortUser(setpriv: string, { uid, gid }: NginxUser): readonly string[] {
  return [
    ...[setpriv, `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"],
    ...[`--inh-caps=-all,+${right}`, `--ambient-caps=+${right}`, `--bounding-set=-all,+${right}`],
    "--",
  ];
}

/** Full path of `setpriv`, when it works for this user. Null: ports below 1024 stay closed to it. */
export async function findSetpriv(user: NginxUser): Promise<string | null> {
  for (const path of ["/usr/bin/setpriv", "/bin/setpriv"]) {
    const [command = "", ...args] = planLowPortUser(path, user);
    const { failed } = await execa(command, [...args, "true"], { reject: false, stdin: "ignore" });
    if (!failed) return path;
  }
  return null;
}

/** The first port that anyone may open: 1024, unless the machine says otherwise. */
export async function readFirstOpenPort(): Promise<number> {
  const text = await readFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8").catch(() => "");
  return /^\d+\s*$/.test(text) ? Number(text) : 1024;
}

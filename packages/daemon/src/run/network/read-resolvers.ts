import { readFile } from "node:fs/promises";
import { isIPv4 } from "node:net";
import { chooseResolvers } from "../../build/sandbox/plan-etc.js";

/** The IPv4 servers that sandboxes are told to ask for names, without those that only the machine itself reaches. */
export async function readResolvers(): Promise<readonly string[]> {
  const [own, upstream] = await Promise.all(
    ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"].map((path) =>
      readFile(path, "utf8").catch(() => ""),
    ),
  );
  return listResolvers(chooseResolvers(own ?? "", upstream ?? ""));
}

/** Those of a `resolv.conf` that another network namespace can reach, each once. */
export function listResolvers(text: string): readonly string[] {
  const servers = [...text.matchAll(/^\s*nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$/gm)].map(
    (match) => match[1] ?? "",
  );
  return [...new Set(servers)].filter((server) => isIPv4(server) && !/^(127|0)\./.test(server));
}

import { readdir, readlink, stat } from "node:fs/promises";
import { addressOfName } from "./plan-block.js";

/** Addresses whose namespace has a process in it, such as the shim of a live instance. */
export async function findInhabited(): Promise<ReadonlySet<string>> {
  const living = new Set<string>();
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    // Processes end while we look.
    const link = await readlink(`/proc/${pid}/ns/net`).catch(() => "");
    const inode = /^net:\[(\d+)\]$/.exec(link)?.[1];
    if (inode !== undefined) living.add(inode);
  }
  const inhabited = new Set<string>();
  for (const name of await readdir("/run/netns").catch(() => [])) {
    const address = addressOfName(name);
    const inode = address === undefined ? undefined : await stat(`/run/netns/${name}`).catch(() => undefined);
    if (address !== undefined && inode !== undefined && living.has(String(inode.ino))) inhabited.add(address);
  }
  return inhabited;
}

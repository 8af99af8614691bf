import { readdir, readFile, readlink } from "node:fs/promises";
import { createServer } from "node:net";
import { BloomError } from "@bloomery/contract";
import type { ListenAddress } from "./plan-upstream.js";

/** `nginx (pid 4711)`: who listens on this TCP port; undefined when nobody does or it cannot be seen. */
export async function findPortHolder(port: number): Promise<string | undefined> {
  const inodes = new Set<string>();
  for (const file of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const text = await readFile(file, "utf8").catch(() => "");
    for (const inode of parseListeners(text, port)) inodes.add(`socket:[${inode}]`);
  }
  if (inodes.size === 0) return undefined;
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid) || !(await hasAny(pid, inodes))) continue;
    return `${await readCommand(pid)} (pid ${pid})`;
  }
  return undefined;
}

/** Throws ERR_PORT_TAKEN, naming the holder and where to choose another port, when the address cannot be bound. */
export async function assertPortFree({ address, port }: ListenAddress, where: string): Promise<void> {
  const code = await tryBind(address, port);
  if (code === undefined) return;
  const taken = code === "EADDRINUSE";
  const holder = taken ? ((await findPortHolder(port)) ?? "another user's process") : undefined;
  const why = taken ? `is held by ${holder}` : `cannot be bound (${code})`;
  const choose = `choose another port ${where}`;
  throw new BloomError("ERR_PORT_TAKEN", `port ${port} on ${address} ${why}`, {
    hint: taken
      ? `Stop it, or ${choose}.`
      : code === "EACCES"
        ? `Ports below 1024 need root; ${choose}.`
        : `${choose}.`,
    details: { address, port, ...(holder === undefined ? {} : { holder }) },
  });
}

/** Inodes of the listening sockets on a port, from the text of /proc/net/tcp. */
export function parseListeners(text: string, port: number): readonly string[] {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return text
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(local) === true && fields[3] === "0A")
    .flatMap((fields) => fields[9] ?? []);
}

async function hasAny(pid: string, targets: ReadonlySet<string>): Promise<boolean> {
  // Other users' descriptors cannot be read, and processes end while we look.
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")));
  return links.some((link) => targets.has(link));
}

async function readCommand(pid: string): Promise<string> {
  const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  const words = line.split("\0").filter((word) => word !== "");
  const text = words.join(" ");
  return text === "" ? "a process" : text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** Binds for a moment; the error code when that fails. */
export function tryBind(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "ERROR"));
    server.listen({ host: address, port, exclusive: true, ipv6Only: address.includes(":") }, () =>
      server.close(() => resolve(undefined)),
    );
  });
}

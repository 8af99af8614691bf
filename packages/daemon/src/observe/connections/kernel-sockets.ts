import { BloomError } from "@bloomery/contract";
import { namespaceOf } from "../../run/network/plan-block.js";
import { runTool, tryTool } from "../../run/network/run-tool.js";
import type { SocketEnds } from "./plan-connections.js";
import { readSockets, type SocketRow } from "./read-sockets.js";

/** More ports than this are not named one by one: then the sockets of all are read. */
const mostPorts = 64;

/** The connected sockets of this machine on these ports of its own. Throws ERR_SYSTEM_PACKAGE_MISSING. */
export async function readHostSockets(ports: ReadonlySet<number>): Promise<readonly SocketRow[]> {
  if (ports.size === 0) return [];
  const filter = [...ports].map((port) => `sport = :${port}`).join(" or ");
  return readSockets(await runTool("ss", ["-tineH", ...(ports.size > mostPorts ? [] : [filter])]));
}

/** The connected sockets in the namespace of an instance; none when the instance has gone. */
export async function readInstanceSockets(address: string): Promise<readonly SocketRow[]> {
  const namespace = namespaceOf(address);
  const text = namespace === undefined ? undefined : await tryTool("ss", ["-N", namespace, "-tineH"]);
  return text === undefined ? [] : readSockets(text);
}

/**
 * Ends one socket of this machine: whoever has it learns that it was broken off, and so does its other end. Does
 * nothing when it has ended already. Throws ERR_CONNECTION_NOT_CLOSED.
 */
export async function endSocket({ local, peer }: SocketEnds): Promise<void> {
  const one = ["-tnH", "src", local, "dst", peer];
  const killed = await tryTool("ss", ["-K", ...one]);
  if (killed !== undefined && killed !== "") return;
  if ((await tryTool("ss", one)) === "") return;
  throw new BloomError("ERR_CONNECTION_NOT_CLOSED", `the kernel did not end the connection of ${peer}`);
}

import { tryTool } from "./run-tool.js";

/**
 * Makes the kernel forget where connections were led. Connection tracking remembers a client's port for a while
 * after its connection has ended; when the client takes the same port again, the kernel may lead it to where the
 * port led then: to an instance that is gone, or nowhere. What has ended in the orderly way is looked up anew by
 * itself; what a reset has ended is not. Connections that are being made must be left alone: half of a handshake
 * would be led to the old instance and the rest to the new one.
 */
export function forgetEnded(stable: string): Promise<void> {
  return forget(["--state", "CLOSE", "--orig-dst", stable]);
}

/** Forgets everything that was led to an instance; for one that is gone. */
export function forgetInstance(address: string): Promise<void> {
  return forget(["--reply-src", address]);
}

async function forget(filter: readonly string[]): Promise<void> {
  // Its exit code is 1 when there was nothing to forget.
  await tryTool("conntrack", ["-D", "-f", "ipv4", "-p", "tcp", ...filter]);
}

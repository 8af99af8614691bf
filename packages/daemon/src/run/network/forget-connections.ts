import { tryTool } from "./run-tool.js";

/**
 * Makes the kernel forget where connections to an instance were led. Connection tracking remembers a client's
 * port for up to two minutes after its connection has ended; when the client takes the same port again, the
 * kernel would lead it to the instance of then, which may be gone, and the connect would hang.
 *
 * `closed` forgets only what a reset has ended, `all` everything: for an instance that is gone. Without
 * conntrack (the program) nothing happens, and such a connect is the price.
 */
export async function forgetConnections(address: string, which: "closed" | "all"): Promise<void> {
  const state = which === "closed" ? ["--state", "CLOSE"] : [];
  // Its exit code is 1 when there was nothing to forget.
  const args = ["-D", "-f", "ipv4", "-p", "tcp", ...state, "--reply-src", address];
  await tryTool("conntrack", args).catch(() => undefined);
}

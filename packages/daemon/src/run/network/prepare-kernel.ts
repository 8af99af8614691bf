import { readFile, writeFile } from "node:fs/promises";
import { BloomError } from "@bloomery/contract";

/** Sets what the machine's kernel needs for namespaces to reach out. Throws ERR_NETWORK_SETUP. */
export async function prepareKernel(): Promise<void> {
  try {
    await setSysctl("net/ipv4/ip_forward", "1");
  } catch (cause) {
    throw new BloomError(
      "ERR_NETWORK_SETUP",
      "net.ipv4.ip_forward cannot be set to 1, which outbound traffic needs",
      {
        cause,
      },
    );
  }
  // nginx opens tens of connections a second to one stable address, and each port it closes is kept back for a
  // minute: 28,000 are gone soon. With timestamps a port may be used again after a second. The kernel does
  // so by itself only for 127.0.0.0/8. Without it a busy machine is slower, so a refusal is no error.
  await setSysctl("net/ipv4/tcp_tw_reuse", "1").catch(() => undefined);
}

async function setSysctl(name: string, value: string): Promise<void> {
  const file = `/proc/sys/${name}`;
  if ((await readFile(file, "utf8")).trim() !== value) await writeFile(file, value);
}

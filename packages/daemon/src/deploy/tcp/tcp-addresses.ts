import { tryBind } from "../../route/find-port-holder.js";

/** Those of the addresses that this machine has: one without IPv6 serves tcp apps all the same. */
export async function findUsable(
  addresses: readonly string[],
  log: { warn(fields: object, text: string): void },
): Promise<readonly string[]> {
  const usable: string[] = [];
  for (const address of addresses) {
    // Any port: only whether the address can be bound is asked.
    const code = await tryBind(address, 0);
    if (code === undefined) usable.push(address);
    else log.warn({ address, code }, "tcp apps are not served on an address this machine does not have");
  }
  return usable;
}

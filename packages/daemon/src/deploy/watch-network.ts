import type { HostNetwork } from "../run/network/open-network.js";

/** Milliseconds between two looks at the rules. */
const everyMs = 10_000;

/**
 * Looks after the machine's side of the namespaces: puts rules back that somebody flushed (a firewall that was loaded
 * anew), and takes away what was still inhabited when this daemon began. Returns what ends it.
 */
export function watchNetwork(
  network: Pick<HostNetwork, "repair" | "sweep">,
  log: { warn(fields: object, text: string): void },
  pauseMs = everyMs,
): () => Promise<void> {
  let work: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let isEnded = false;
  const look = async (): Promise<void> => {
    try {
      if (await network.repair()) log.warn({}, "the rules of the instances' network were gone and are back");
      await network.sweep();
    } catch (err) {
      log.warn({ err }, "the instances' network could not be looked after");
    }
  };
  const schedule = (): void => {
    if (isEnded) return;
    timer = setTimeout(() => {
      work = look().finally(schedule);
    }, pauseMs);
  };
  schedule();
  return async () => {
    isEnded = true;
    clearTimeout(timer);
    await work;
  };
}

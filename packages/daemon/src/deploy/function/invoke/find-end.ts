import type { ShimStatus } from "@bloomery/contract";
import { describeEnd } from "../../../run/describe-exit.js";
import type { Instance } from "../../../run/engines/engine.js";

/**
 * How the process that broke a call off has ended, in a sentence; null: it lives, or nobody tells in time. Its sockets
 * are closed before its end is told.
 */
export async function findEnd(
  instance: Pick<Instance, "status" | "watchStatus" | "gone" | "memoryBytes">,
  sinceMs: number,
  patienceMs = 5000,
): Promise<string | null> {
  const read = ({ last_exit: exit }: ShimStatus): string | null =>
    exit !== null && Date.parse(exit.at) >= sinceMs ? describeEnd(exit, instance.memoryBytes) : null;
  const known = read(instance.status);
  if (known !== null) return known;
  let unwatch = (): void => undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      new Promise<string>((resolve) => {
        unwatch = instance.watchStatus((status) => {
          const end = read(status);
          if (end !== null) resolve(end);
        });
      }),
      instance.gone.then(() => read(instance.status)),
      new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), patienceMs))),
    ]);
  } finally {
    unwatch();
    clearTimeout(timer);
  }
}

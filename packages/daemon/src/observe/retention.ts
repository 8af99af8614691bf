import { rm } from "node:fs/promises";

/** An instance that has ended, with what decides how long its logs are kept. */
export interface EndedInstance {
  readonly id: string;
  readonly environmentId: string;
  readonly endedAt: string;
}

/** How many ended instances of one environment keep their logs. */
const keptInstances = 20;

/** The instances whose folders may go: all but the newest ended ones of each environment. */
export function planRetention(
  ended: readonly EndedInstance[],
  kept: number = keptInstances,
): readonly string[] {
  const byEnvironment = new Map<string, EndedInstance[]>();
  for (const instance of ended) {
    const peers = byEnvironment.get(instance.environmentId) ?? [];
    peers.push(instance);
    byEnvironment.set(instance.environmentId, peers);
  }
  return [...byEnvironment.values()].flatMap((peers) =>
    peers
      .toSorted((a, b) => (a.endedAt < b.endedAt ? 1 : -1))
      .slice(kept)
      .map((instance) => instance.id),
  );
}

/** Removes the folders of these instances. */
export async function applyRetention(ids: readonly string[], dirOf: (id: string) => string): Promise<void> {
  for (const id of ids) await rm(dirOf(id), { recursive: true, force: true });
}

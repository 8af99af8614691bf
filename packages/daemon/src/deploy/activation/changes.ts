import type { Instance } from "../../run/engines/engine.js";

/** When it changed last who serves each environment. */
export interface Changes {
  note(environmentId: string): void;
  /** Notes it when others serve it than when it was seen last. */
  see(environmentId: string, live: readonly Instance[]): void;
  isRecent(environmentId: string): boolean;
  /** Those of which it changed last come first. */
  lastFirst<T extends { readonly id: string }>(environments: readonly T[]): readonly T[];
}

/** From nginx finding nobody to knocking elsewhere; on a machine that is very busy. */
const recentMs = 1000;

export function createChanges(): Changes {
  const notedAt = new Map<string, number>();
  const seen = new Map<string, string>();
  const note = (environmentId: string): void => void notedAt.set(environmentId, performance.now());
  const timeOf = (environmentId: string): number => notedAt.get(environmentId) ?? 0;
  return {
    note,
    see(environmentId, live) {
      const names = live.map(({ id }) => id).join();
      if ((seen.get(environmentId) ?? "") === names) return;
      seen.set(environmentId, names);
      note(environmentId);
    },
    isRecent: (environmentId) =>
      notedAt.has(environmentId) && performance.now() - timeOf(environmentId) < recentMs,
    lastFirst: (environments) => environments.toSorted((one, other) => timeOf(other.id) - timeOf(one.id)),
  };
}

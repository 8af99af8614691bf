/** Work that must not be done at the same time, by what it is about. */
export interface Turns {
  /** Runs `work` after all that was asked for before it under the same name, whether that failed or not. */
  take<T>(name: string, work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  const last = new Map<string, Promise<void>>();
  return {
    take(name, work) {
      const mine = (last.get(name) ?? Promise.resolve()).then(work);
      const settled = mine
        .then(
          () => undefined,
          () => undefined,
        )
        .finally(() => {
          if (last.get(name) === settled) last.delete(name);
        });
      last.set(name, settled);
      return mine;
    },
  };
}

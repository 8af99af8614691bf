/** Remembers the ids of a while, in bounded memory. */
export interface RecentIds {
  add(id: string): void;
  has(id: string): boolean;
}

const generationMs = 60_000;

/** Holds at least the last `size` ids of the last minute, and never more than twice as many. */
export function createRecentIds(size = 100_000, now: () => number = Date.now): RecentIds {
  let young = new Set<string>();
  let old = new Set<string>();
  let since = now();
  return {
    add(id) {
      if (young.size >= size || now() - since >= generationMs) {
        old = young;
        young = new Set();
        since = now();
      }
      young.add(id);
    },
    has: (id) => young.has(id) || old.has(id),
  };
}

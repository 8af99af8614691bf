import { createPackedIds } from "./packed-ids.js";

/** Remembers the ids of a while, in bounded memory. */
export interface RecentIds {
  add(id: string): void;
  has(id: string): boolean;
}

const generationMs = 60_000;
/**
 * Records are read before the requests they are about, so those of one round, a rest of 3 seconds and the round before
 * must be known: at 30,000 calls in a second 200,000, and all that an instance's files can hold after a longer absence.
 */
const defaultSize = 393_216;

/** Holds at least the last `size` ids of the last minute, and never more than twice as many. */
export function createRecentIds(size = defaultSize, now: () => number = Date.now): RecentIds {
  let young = createGeneration();
  let old = createGeneration();
  let since = now();
  return {
    add(id) {
      if (young.size() >= size || now() - since >= generationMs) {
        old = young;
        young = createGeneration();
        since = now();
      }
      young.add(id);
    },
    has: (id) => young.has(id) || old.has(id),
  };
}

function createGeneration(): RecentIds & { readonly size: () => number } {
  const packed = createPackedIds();
  const others = new Set<string>();
  return {
    size: () => packed.size + others.size,
    add(id) {
      if (!packed.add(id)) others.add(id);
    },
    has: (id) => packed.has(id) || (others.size > 0 && others.has(id)),
  };
}

import { timeKey } from "./log-file.js";

interface Timed {
  readonly time: string;
}

interface Head<T> {
  readonly source: AsyncIterator<T[]>;
  block: readonly T[];
  next: number;
  key: string;
}

/**
 * Merges sources that are each in the order of time; of equal times the earlier source comes first. Holds no more
 * than one block of each.
 */
export async function* mergeLines<T extends Timed>(
  sources: readonly AsyncIterable<T[]>[],
): AsyncGenerator<T> {
  const heads: Head<T>[] = [];
  try {
    for (const source of sources) {
      const head = { source: source[Symbol.asyncIterator](), block: [], next: 0, key: "" };
      heads.push(head);
      if (!(await advance(head))) heads.pop();
    }
    while (heads.length > 0) {
      const first = heads.reduce((least, head) => (head.key < least.key ? head : least));
      const limit = keyOfOthers(heads, first);
      let goesOn = true;
      do {
        yield first.block[first.next] as T;
        first.next++;
        goesOn = await advance(first);
      } while (goesOn && (limit === undefined || first.key < limit));
      if (!goesOn) heads.splice(heads.indexOf(first), 1);
    }
  } finally {
    for (const head of heads) await head.source.return?.();
  }
}

/** The least key of all but this one. */
function keyOfOthers<T>(heads: readonly Head<T>[], but: Head<T>): string | undefined {
  let least: string | undefined;
  for (const head of heads) if (head !== but && (least === undefined || head.key < least)) least = head.key;
  return least;
}

/** Makes the head's next line known; false when there is none. */
async function advance<T extends Timed>(head: Head<T>): Promise<boolean> {
  while (head.next >= head.block.length) {
    const { done, value } = await head.source.next();
    if (done === true) return false;
    head.block = value;
    head.next = 0;
  }
  head.key = timeKey((head.block[head.next] as T).time);
  return true;
}

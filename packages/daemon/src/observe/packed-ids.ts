import { randomInt } from "node:crypto";

/** Ids of executions as nginx makes them, 8 bytes each: a busy function has tens of thousands of them in a second. */
export interface PackedIds {
  /** How many there are. */
  readonly size: number;
  /** False when it is no such id. */
  add(id: string): boolean;
  has(id: string): boolean;
}

const direct = { prefix: "x-", length: 34 };
const firstSlots = 1024;
/** Nobody else knows them: whoever makes ids up cannot make all of them belong to one place. */
const [highFactor, lowFactor] = [randomInt(2 ** 31) * 2 + 1, randomInt(2 ** 31) * 2 + 1];

/**
 * Holds of each id 63 of its 128 random bits, which is enough to tell a million of them apart, and no text: a piece of a
 * block that was read would keep all of the block in memory.
 */
export function createPackedIds(): PackedIds {
  let slots = new Uint32Array(2 * firstSlots);
  let size = 0;
  /** The pair of numbers of the id that was looked at last. */
  let high = 0;
  let low = 0;

  const parse = (id: string): boolean => {
    if (id.length !== direct.length || !id.startsWith(direct.prefix)) return false;
    let bad = 0;
    high = 0;
    low = 0;
    for (let at = direct.prefix.length; at < direct.length; at += 1) {
      const code = id.charCodeAt(at);
      // 0-9 and a-f, without asking which.
      const digit = code < 58 ? code - 48 : code - 87;
      if (digit < 0 || digit > 15 || (code >= 58 && digit < 10)) bad = 1;
      if (at < 10) high = (high << 4) | digit;
      else if (at < 18) low = (low << 4) | digit;
    }
    high >>>= 0;
    low = (low | 1) >>> 0; // a place with nothing in it has 0
    return bad === 0;
  };
  /** Where the pair is, or where it belongs. */
  const find = (table: Uint32Array): number => {
    const mask = table.length - 2;
    const hash = Math.imul(high, highFactor) + Math.imul(low, lowFactor);
    let at = (hash >>> (Math.clz32(table.length) + 2)) << 1; // its upper bits, on which all others have a say
    while (table[at + 1] !== 0 && (table[at] !== high || table[at + 1] !== low)) at = (at + 2) & mask;
    return at;
  };
  const grow = (): void => {
    const larger = new Uint32Array(2 * slots.length);
    const [ownHigh, ownLow] = [high, low];
    for (let from = 0; from < slots.length; from += 2) {
      low = slots[from + 1] ?? 0;
      if (low === 0) continue;
      high = slots[from] ?? 0;
      const at = find(larger);
      larger[at] = high;
      larger[at + 1] = low;
    }
    slots = larger;
    high = ownHigh;
    low = ownLow;
  };

  return {
    get size() {
      return size;
    },
    add(id) {
      if (!parse(id)) return false;
      let at = find(slots);
      if (slots[at + 1] !== 0) return true;
      size += 1;
      // At most three quarters full: then a search is short.
      if (size * 8 > slots.length * 3) {
        grow();
        at = find(slots);
      }
      slots[at] = high;
      slots[at + 1] = low;
      return true;
    },
    has: (id) => parse(id) && slots[find(slots) + 1] !== 0,
  };
}

/** Counts by address what was refused, to answer those who only guess without looking anything up. */
export interface Refusals {
  /** Seconds until this address is listened to again; 0: it is. */
  waitOf(address: string): number;
  note(address: string): void;
}

interface Counted {
  count: number;
  readonly until: number;
}

/** `most` refusals in `windowMs` are looked up; of so many `addresses` at a time, the oldest are forgotten first. */
export function createRefusals({
  most = 30,
  windowMs = 60_000,
  addresses = 10_000,
  now = Date.now,
}: {
  readonly most?: number;
  readonly windowMs?: number;
  readonly addresses?: number;
  readonly now?: () => number;
} = {}): Refusals {
  // A map keeps the order of insertion, which is that in which the windows end.
  const counted = new Map<string, Counted>();

  const find = (key: string): Counted | undefined => {
    const found = counted.get(key);
    if (found === undefined || found.until > now()) return found;
    counted.delete(key);
    return undefined;
  };

  return {
    waitOf(address) {
      const found = find(networkOf(address));
      if (found === undefined || found.count < most) return 0;
      return Math.ceil((found.until - now()) / 1000);
    },
    note(address) {
      const key = networkOf(address);
      const found = find(key);
      if (found !== undefined) return void found.count++;
      counted.set(key, { count: 1, until: now() + windowMs });
      const [oldest] = counted.keys();
      if (counted.size > addresses && oldest !== undefined) counted.delete(oldest);
    },
  };
}

/** Whoever has one address of the newer kind has 2^64 of them. */
function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [before = "", after] = address.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0");
  return [...head, ...zeros, ...tail].slice(0, 4).join(":");
}

import { Resolver } from "node:dns/promises";

/** Keeps the addresses of host names up to date while somebody needs them. */
export interface NameWatch {
  /** What the name leads to, or did a while ago; empty as long as nobody has answered. */
  addressesOf(name: string): readonly string[];
  /** Looks these up from now on; resolves when each has been answered for once, or after a moment. */
  follow(names: readonly string[]): Promise<void>;
  /** The opposite, once for each `follow`. */
  leave(names: readonly string[]): void;
  /** Ends the lookups; may be called twice. */
  close(): void;
}

export interface NameWatchOptions {
  /** IPv4 addresses of one name; throws when it is not known. */
  readonly lookUp?: (name: string) => Promise<readonly string[]>;
  /** Called with the names whose addresses have changed. */
  readonly onChange: (names: ReadonlySet<string>) => void;
  /** What an earlier daemon knew. */
  readonly known?: ReadonlyMap<string, readonly string[]>;
  /** Milliseconds between two lookups of a name. */
  readonly everyMs?: number;
  /** Milliseconds an address counts after it was last told: answers of large services take turns. */
  readonly keepMs?: number;
  /** Milliseconds `follow` waits at most. */
  readonly patienceMs?: number;
  readonly now?: () => number;
}

interface Entry {
  users: number;
  /** Address → when it was last told. */
  readonly told: Map<string, number>;
  askedAt: number;
  asking: Promise<boolean> | undefined;
}

/** More of one answer, and of all that are kept, would only burden the kernel. */
const mostOfAnswer = 64;
const mostKept = 512;

export function watchNames(options: NameWatchOptions): NameWatch {
  const { lookUp = resolveIPv4, everyMs = 30_000, keepMs = 600_000, patienceMs = 2000 } = options;
  const now = options.now ?? Date.now;
  const entries = new Map<string, Entry>();
  for (const [name, addresses] of options.known ?? []) {
    entries.set(name, { ...empty(), told: new Map(addresses.map((address) => [address, now()])) });
  }
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  /** True when the addresses have changed. A failure changes nothing: what was known goes on. */
  const ask = (name: string, entry: Entry): Promise<boolean> =>
    (entry.asking ??= (async () => {
      entry.askedAt = now();
      try {
        const answer = await lookUp(name);
        return note(entry.told, answer, now(), keepMs);
      } catch {
        return false;
      } finally {
        entry.asking = undefined;
      }
    })());

  const askDue = async (): Promise<void> => {
    const due = [...entries].filter(([, entry]) => entry.users > 0 && entry.askedAt <= now() - everyMs);
    const changes = await Promise.all(
      due.map(async ([name, entry]) => [name, await ask(name, entry)] as const),
    );
    const changed = new Set(changes.filter(([, isChanged]) => isChanged).map(([name]) => name));
    if (changed.size > 0 && !closed) options.onChange(changed);
  };
  const schedule = (): void => {
    if (timer !== undefined || closed) return;
    timer = setTimeout(() => {
      timer = undefined;
      forgetUnused(entries, now() - keepMs);
      if (entries.size === 0) return;
      void askDue();
      schedule();
    }, everyMs);
    // It must not keep a daemon from ending.
    timer.unref();
  };

  return {
    addressesOf: (name) => [...(entries.get(name)?.told.keys() ?? [])],
    async follow(names) {
      const followed = names.map((name) => [name, entries.get(name) ?? empty()] as const);
      for (const [name, entry] of followed) {
        entry.users++;
        entries.set(name, entry);
      }
      schedule();
      const unknown = followed.filter(([, entry]) => entry.told.size === 0);
      // What is known may be old by now; nobody waits for it.
      void askDue();
      if (unknown.length === 0) return;
      const answered = Promise.all(unknown.map(([name, entry]) => ask(name, entry)));
      await Promise.race([answered, pause(patienceMs)]);
    },
    leave(names) {
      for (const name of names) {
        const entry = entries.get(name);
        if (entry !== undefined) entry.users--;
      }
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

function empty(): Entry {
  return { users: 0, told: new Map(), askedAt: Number.NEGATIVE_INFINITY, asking: undefined };
}

/** Adds an answer and drops what has not been told for long; true when that changed anything. */
function note(told: Map<string, number>, answer: readonly string[], at: number, keepMs: number): boolean {
  const before = new Set(told.keys());
  for (const address of answer.slice(0, mostOfAnswer)) {
    told.delete(address);
    told.set(address, at);
  }
  const spare = told.size - mostKept;
  for (const [index, [address, last]] of [...told].entries()) {
    if (last < at - keepMs || index < spare) told.delete(address);
  }
  return before.size !== told.size || [...told.keys()].some((address) => !before.has(address));
}

function forgetUnused(entries: Map<string, Entry>, limit: number): void {
  for (const [name, entry] of entries) {
    const last = Math.max(entry.askedAt, ...entry.told.values());
    if (entry.users <= 0 && last < limit) entries.delete(name);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref());
}

/** A resolver for each question: it reads anew which servers the machine asks. */
function resolveIPv4(name: string): Promise<readonly string[]> {
  return new Resolver({ timeout: 2000, tries: 2 }).resolve4(name);
}

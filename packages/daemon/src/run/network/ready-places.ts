import type { PlaceKind } from "../plan-place-kind.js";
import type { NetworkPlace } from "./network-place.js";

/**
 * Namespaces for those who will come, made while nobody waits: with everything they will be allowed, because telling the
 * kernel takes as long as starting a process.
 */
export interface ReadyPlaces {
  /** From now on one of each kind is kept ready, the first few of them; all others go. It is asked again and again. */
  expect(kinds: () => readonly PlaceKind[]): void;
  /** Somebody may be expected, or not any more, who was not before: it is asked in a while. */
  look(): void;
  /** The one that is ready for this wish, which is the caller's now; undefined: there is none. */
  take(wish: PlaceKind): Promise<NetworkPlace> | undefined;
  /** Takes all of them away. */
  close(): Promise<void>;
}

/** A few kinds suit most apps; each takes the kernel some hundred kilobytes. */
const most = 8;
/** Making one keeps a processor busy for a while: not as long as somebody waits for an app that is started. */
const pauseMs = 150;

/** `make` rejects when none can be had: then there is none. */
export function openReadyPlaces(make: (kind: PlaceKind) => Promise<NetworkPlace>): ReadyPlaces {
  let ask: () => readonly PlaceKind[] = () => [];
  const places = new Map<string, Promise<NetworkPlace>>();
  let timer: NodeJS.Timeout | undefined;
  let work: Promise<void> = Promise.resolve();
  let isOpen = true;

  const giveUp = async (key: string): Promise<void> => {
    const place = places.get(key);
    places.delete(key);
    await place?.then((one) => one.release()).catch(() => undefined);
  };
  /** One at a time. */
  const tend = async (): Promise<void> => {
    const wanted = new Map(ask().map((kind) => [keyOf(kind), kind]));
    const first = [...wanted].slice(0, most);
    for (const key of places.keys()) if (!first.some(([other]) => other === key)) await giveUp(key);
    for (const [key, kind] of first) {
      if (!isOpen || places.has(key)) continue;
      const place = make(kind);
      places.set(key, place);
      // What failed is tried again with the next look.
      await place.catch(() => places.get(key) === place && places.delete(key));
    }
  };
  const look = (): void => {
    clearTimeout(timer);
    if (isOpen) timer = setTimeout(() => void (work = work.then(tend)), pauseMs).unref();
  };

  return {
    expect(kinds) {
      ask = kinds;
      look();
    },
    look,
    take(wish) {
      const key = keyOf(wish);
      const place = places.get(key);
      places.delete(key);
      look();
      return place;
    },
    async close() {
      isOpen = false;
      clearTimeout(timer);
      await work;
      await Promise.all([...places.keys()].map(giveUp));
    },
  };
}

function keyOf({ ports, outbound, only }: PlaceKind): string {
  return JSON.stringify([ports, outbound, only ?? null]);
}

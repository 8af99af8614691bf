import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { openHold, type Hold } from "./open-hold.js";

/** The holds of all environments. */
export interface Holds {
  open(environment: { readonly slot: number }, limitMs: number): Promise<Hold>;
}

/** Where nginx turns to when it finds nobody who serves the environment; there is a socket only during a hold. */
export function holdPath(folder: string, { slot }: { readonly slot: number }): string {
  return join(folder, `hold-${slot}.sock`);
}

/** Takes away what an earlier daemon left: nobody listens there any more, and its clients know already. */
export async function openHolds(options: {
  readonly folder: string;
  /** Whom nginx's workers run as. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
}): Promise<Holds> {
  for (const name of await readdir(options.folder)) {
    if (name.startsWith("hold-")) await rm(join(options.folder, name), { force: true });
  }
  /** By path: a hold takes its socket away a moment after its end, which must not be that of the next one. */
  const ending = new Map<string, Promise<void>>();
  return {
    async open(environment, limitMs) {
      const path = holdPath(options.folder, environment);
      await ending.get(path);
      const hold = await openHold({ path, owner: options.owner, limitMs });
      const track = (work: Promise<void>): Promise<void> => {
        ending.set(path, work);
        return work.finally(() => ending.delete(path));
      };
      return {
        get waiting() {
          return hold.waiting;
        },
        release: (targets) => track(hold.release(targets)),
        refuse: () => track(hold.refuse()),
      };
    },
  };
}

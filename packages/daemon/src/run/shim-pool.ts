import { newId, type ShimSpec, type StandbySpec } from "@bloomery/contract";
import { killGroups, removeGroups } from "./cgroups.js";
import { planGroupsAhead, type CgroupLayout } from "./plan-cgroups.js";
import { createLauncher, type LaunchedShim } from "./launcher.js";
import { finishShim, startShim } from "./start-shim.js";

/**
 * Shims that were started before anybody knew what for, each in the groups of an instance that is still to come, and
 * where that is possible with a sandbox in which nothing is missing but the app.
 */
export interface ShimPool {
  /**
   * An id for the next instance, with what waited for such a one when that was at hand: a shim in a `sandbox`, or a `shim`
   * alone. To be followed by `start` or `drop`.
   */
  nextId(wanted: "sandbox" | "shim" | null): string;
  /** The sandbox that was made ahead for this id. */
  standbyOf(id: string): Standby | null;
  /** Gives the spec to the shim that waits for this id, or to a new one. */
  start(spec: ShimSpec): Promise<void>;
  /** The instance will not be. Harmless when it was started. */
  drop(id: string): void;
  /** Begins to keep shims; nothing may sweep control groups any more that does not know `ids`. */
  open(): void;
  /** Whoever will be waited for may be another than before. */
  look(): void;
  close(): Promise<void>;
}

/** What belongs to a sandbox that was made ahead. */
export interface Standby {
  readonly spec: StandbySpec;
  readonly user: { readonly uid: number; readonly gid: number };
  /** The folder with the files of its /etc. */
  readonly etc: string;
}

export interface ShimPoolOptions {
  readonly shimPath: string;
  /** Of whoever starts shims. */
  readonly launchSocket: string;
  readonly cgroups: CgroupLayout;
  /** Whether somebody may come for an app for which a shim without a sandbox is the best that can be had. */
  readonly isShimExpected: () => boolean;
  /** Absent: no sandboxes are made ahead. */
  readonly standbys?: {
    prepare(id: string): Promise<Standby>;
    /** It is not, or will never be, an instance's. */
    release(standby: Standby): void;
  };
  readonly log: { warn(fields: object, text: string): void };
}

interface Waiting {
  readonly id: string;
  readonly shim: LaunchedShim;
  readonly groups: readonly string[];
  readonly standby: Standby | null;
}

/** Enough for the functions that are woken in one breath; a storm pays for itself. */
const keptSandboxes = 3;
/** Other apps take longer to start than another shim does. */
const keptShims = 1;
/** Making a sandbox takes the machine some milliseconds: not while somebody waits for an answer. */
const pauseMs = 40;
/** The same for apps that have more to do until they answer. */
const longPauseMs = 150;
/** What failed once fails again, as a rule. */
const troublePauseMs = 5_000;

export function createShimPool(options: ShimPoolOptions): ShimPool {
  const launcher = createLauncher({ ...options, socket: options.launchSocket });
  const idle: Waiting[] = [];
  const promised = new Map<string, Waiting>();
  let isOpen = false;
  let timer: NodeJS.Timeout | undefined;
  let adding: Promise<void> | undefined;

  const { standbys } = options;
  const count = (isSandbox: boolean): number =>
    idle.filter(({ standby }) => (standby !== null) === isSandbox).length;
  const takeIdle = (isSandbox: boolean): Waiting | undefined => {
    const index = idle.findIndex(({ standby }) => (standby !== null) === isSandbox);
    return index === -1 ? undefined : idle.splice(index, 1)[0];
  };
  /** What is missing of what shall wait. */
  const planNext = (): "sandbox" | "shim" | null => {
    if (standbys === undefined) return count(false) < keptSandboxes ? "shim" : null;
    if (count(true) < keptSandboxes) return "sandbox";
    return count(false) < keptShims && options.isShimExpected() ? "shim" : null;
  };
  const add = async (kind: "sandbox" | "shim"): Promise<void> => {
    const id = newId("instance");
    const standby = kind === "sandbox" ? ((await standbys?.prepare(id)) ?? null) : null;
    if (!isOpen) return release(standby);
    const ahead = planGroupsAhead(options.cgroups, id);
    const words = [
      ...(standby === null ? [] : ["--standby"]),
      ...ahead.flatMap(({ group, home }) => [group, home]),
    ];
    const shim = await launcher.launch(["run", ...words]);
    const waiting: Waiting = { id, shim, groups: ahead.map(({ group }) => group), standby };
    void shim.gone.then(() => {
      const index = idle.indexOf(waiting);
      if (index === -1) return;
      idle.splice(index, 1);
      release(standby);
    });
    if (standby !== null) shim.input.write(`${JSON.stringify(standby.spec)}\n`);
    idle.push(waiting);
  };
  const release = (standby: Standby | null): void => {
    if (standby !== null) standbys?.release(standby);
  };
  const refill = (pause = pauseMs): void => {
    clearTimeout(timer);
    if (!isOpen || adding !== undefined) return;
    timer = setTimeout(() => {
      const next = planNext();
      if (next !== null) adding = addAndGoOn(next);
    }, pause).unref();
  };
  const addAndGoOn = async (kind: "sandbox" | "shim"): Promise<void> => {
    let pause = pauseMs;
    try {
      await add(kind);
    } catch (error) {
      options.log.warn({ error }, "a shim could not be started ahead");
      pause = troublePauseMs;
    }
    adding = undefined;
    refill(pause);
  };

  const dismiss = async ({ shim, groups, standby }: Waiting): Promise<void> => {
    // A process that waits for nothing else would end here, with the rest of its closing undone.
    shim.hold();
    shim.input.end();
    await shim.gone;
    // What waited with it may leave a moment later.
    await killGroups(groups);
    await removeGroups(groups);
    release(standby);
  };

  return {
    nextId(wanted) {
      if (wanted === null) return newId("instance");
      // For others than its own apps a sandbox would have to be taken down first, which takes longer than is won.
      const waiting = (wanted === "sandbox" ? takeIdle(true) : undefined) ?? takeIdle(false);
      if (waiting === undefined) return newId("instance");
      promised.set(waiting.id, waiting);
      refill(wanted === "sandbox" ? pauseMs : longPauseMs);
      return waiting.id;
    },
    standbyOf: (id) => promised.get(id)?.standby ?? null,
    async start(spec) {
      const waiting = promised.get(spec.id);
      promised.delete(spec.id);
      const shim = waiting?.shim ?? (await launcher.launch(["run"]));
      try {
        // Whoever waited may have died of anything, and with it who starts others.
        if (await finishShim(shim, options.shimPath, spec)) return;
        await startShim(options.shimPath, spec);
      } finally {
        // One that is used is its instance's from now on.
        if (spec.complete === null) release(waiting?.standby ?? null);
      }
    },
    drop(id) {
      const waiting = promised.get(id);
      promised.delete(id);
      if (waiting !== undefined) void dismiss(waiting);
    },
    open() {
      isOpen = true;
      launcher.open();
      refill();
    },
    look: () => refill(),
    async close() {
      isOpen = false;
      clearTimeout(timer);
      await adding;
      const all = [...idle.splice(0), ...promised.values()];
      promised.clear();
      await Promise.all(all.map(dismiss));
      await launcher.close();
    },
  };
}

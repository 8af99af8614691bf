import { spawn, type ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { newId, type ShimSpec } from "@bloomery/contract";
import { removeGroups } from "./cgroups.js";
import { planGroupsAhead, type CgroupLayout } from "./plan-cgroups.js";
import { finishShim, startShim } from "./start-shim.js";

/** Shims that were started before anybody knew what for, each in the groups of an instance that is still to come. */
export interface ShimPool {
  /** An id for the next instance; there is a shim for it when one was at hand. To be followed by `start` or `drop`. */
  nextId(): string;
  /** Gives the spec to the shim that waits for this id, or to a new one. */
  start(spec: ShimSpec): Promise<void>;
  /** The instance will not be. Harmless when it was started. */
  drop(id: string): void;
  /** Begins to keep shims; nothing may sweep control groups any more that does not know `ids`. */
  open(): void;
  close(): Promise<void>;
}

interface Waiting {
  readonly id: string;
  readonly child: ChildProcess;
  readonly groups: readonly string[];
}

/** Enough for the functions that are woken in one breath; a storm pays for itself. */
const kept = 3;
/** Starting a process stops everything else here for some milliseconds: not while somebody waits for an answer. */
const pauseMs = 40;

export function createShimPool(options: {
  readonly shimPath: string;
  readonly cgroups: CgroupLayout;
}): ShimPool {
  const idle: Waiting[] = [];
  const promised = new Map<string, Waiting>();
  let isOpen = false;
  let timer: NodeJS.Timeout | undefined;

  const add = (): void => {
    const id = newId("instance");
    const ahead = planGroupsAhead(options.cgroups, id);
    const words = ahead.flatMap(({ group, home }) => [group, home]);
    const child = spawn(options.shimPath, ["run", ...words], {
      detached: true,
      stdio: ["pipe", "pipe", "ignore"],
    });
    const waiting = { id, child, groups: ahead.map(({ group }) => group) };
    const forget = (): void => {
      const index = idle.indexOf(waiting);
      if (index !== -1) idle.splice(index, 1);
    };
    child.once("error", forget);
    child.once("exit", forget);
    for (const stream of [child.stdin, child.stdout]) stream.on("error", () => undefined);
    // None of this keeps a daemon from ending.
    child.unref();
    for (const stream of [child.stdin, child.stdout]) (stream as Socket).unref();
    idle.push(waiting);
  };
  const refill = (): void => {
    clearTimeout(timer);
    if (!isOpen || idle.length >= kept) return;
    timer = setTimeout(() => {
      if (idle.length < kept) add();
      refill();
    }, pauseMs);
    timer.unref();
  };

  const dismiss = async ({ child, groups }: Waiting): Promise<void> => {
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    // Now it does: a process that waits for nothing else would end here, with the rest of its closing undone.
    child.ref();
    child.stdin?.end();
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) await ended;
    await removeGroups(groups);
  };

  return {
    nextId() {
      const waiting = idle.shift();
      if (waiting === undefined) return newId("instance");
      promised.set(waiting.id, waiting);
      refill();
      return waiting.id;
    },
    async start(spec) {
      const waiting = promised.get(spec.id);
      promised.delete(spec.id);
      if (waiting === undefined) return startShim(options.shimPath, spec);
      await finishShim(waiting.child, options.shimPath, spec);
    },
    drop(id) {
      const waiting = promised.get(id);
      promised.delete(id);
      if (waiting !== undefined) void dismiss(waiting);
    },
    open() {
      isOpen = true;
      refill();
    },
    async close() {
      isOpen = false;
      clearTimeout(timer);
      const all = [...idle.splice(0), ...promised.values()];
      promised.clear();
      await Promise.all(all.map(dismiss));
    },
  };
}

import { access, readdir } from "node:fs/promises";
import { doormanProtocol, type ListedDoor } from "@bloomery/contract";
import { openDoormanLink, type DoormanLink, type Wake } from "./link.js";
import { findProtocols, planDoorman, type DoorPlan } from "./plan-doorman.js";
import { endDoorman, prepareFolders, recordDoorman, startDoorman, type Owner } from "./process.js";

/**
 * Takes the connections of tcp apps that sleep, until somebody says where they lead. A process of its own does it,
 * `bloom-shim doorman`, which outlives the daemon: what it carries goes on without one, and who knocks meanwhile waits.
 */
export interface Doorman {
  /**
   * Opens the doors that are missing and closes all others; what is carried goes on. A door that cannot be opened is
   * said in the log and keeps nobody else from having one.
   */
  keep(doors: readonly DoorPlan[]): Promise<void>;
  /**
   * Who finds out where a door leads: those who wait there are led to what it resolves to, and sent away when it rejects.
   * Asked once at a time for each door. The signal says that nobody waits any more. Until there is a listener they wait.
   */
  onKnock(listener: Wake): void;
  /** What waits and what is carried; closed doors, too, by which something came that is still carried. */
  list(): Promise<readonly ListedDoor[]>;
  /** Lets go of it: it goes on. */
  close(): Promise<void>;
  /** Ends it, those of other versions that have not finished yet, and every connection they carry. */
  stop(): Promise<void>;
}

export interface DoormanOptions {
  readonly shimPath: string;
  /** For the doorman alone. */
  readonly folder: string;
  readonly owner: Owner;
  readonly log: { warn(fields: object, text: string): void };
  /** Who does not answer in this time is ended. */
  readonly answerLimitMs?: number;
  readonly protocol?: number;
}

/** One that ends again and again must not keep the daemon busy. */
const pauseMs = 1_000;

/**
 * Finds the doorman of an earlier daemon, whose doors stay as they are, and asks those of other versions to finish. None
 * is started before there is a door to keep.
 */
export async function openDoorman(options: DoormanOptions): Promise<Doorman> {
  const { folder, owner, log, protocol = doormanProtocol } = options;
  const paths = planDoorman(folder, protocol);
  let wanted: readonly DoorPlan[] | undefined;
  let link: DoormanLink | undefined;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let startedAt = -Infinity;
  let turn: Promise<unknown> = Promise.resolve();
  let listen: (listener: Wake) => void;
  const listener = new Promise<Wake>((resolve) => (listen = resolve));

  const wake: Wake = async (door, signal) => {
    try {
      const answer = await listener;
      return await answer(door, signal);
    } catch (err) {
      if (!signal.aborted) log.warn({ err, door }, "who waits at a door was sent away");
      throw err;
    }
  };

  const connect = () => openDoormanLink(paths.socket, wake, options.answerLimitMs);
  const adopt = async (found: DoormanLink): Promise<DoormanLink> => {
    link = found;
    void found.closed.then(() => {
      link = undefined;
      void inTurn(recover);
    });
    await recordDoorman(paths, found.hello.pid);
    return found;
  };
  /** Tried twice, because it may be the daemon that was asleep; who does not answer then makes way for a successor. */
  const find = async (): Promise<DoormanLink | undefined> => {
    const found = await connect()
      .catch(connect)
      .catch(() => undefined);
    if (found !== undefined) return adopt(found);
    await endDoorman(paths);
    return undefined;
  };
  const start = async (): Promise<DoormanLink> => {
    startedAt = performance.now();
    await startDoorman(options.shimPath, paths, owner);
    return adopt(await connect());
  };

  const apply = async (): Promise<void> => {
    if (isClosed || wanted === undefined || (wanted.length === 0 && link === undefined)) return;
    try {
      const doorman = link ?? (await find()) ?? (await start());
      for (const failed of await doorman.keep(wanted)) log.warn(failed, "a door could not be opened");
    } catch (err) {
      log.warn({ err }, "apps that sleep have no doorman");
      // Whatever it is, the next one begins anew.
      if (link === undefined) again();
      else link.close();
    }
  };
  /** The line broke: most likely with the doorman, and then it has no doors any more. */
  const recover = async (): Promise<void> => {
    if (isClosed || link !== undefined) return;
    const found = await find().catch(() => undefined);
    if (found !== undefined) return apply();
    log.warn({}, "the doorman has ended, and what it carried with it; its doors are opened again");
    again();
  };
  /** In turn: two changes at once must not start two. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = turn.then(work);
    turn = next.catch(() => undefined);
    return next;
  };
  const again = (): void => {
    clearTimeout(timer);
    if (isClosed) return;
    const rest = Math.max(0, startedAt + pauseMs - performance.now());
    timer = setTimeout(() => void inTurn(apply), rest).unref();
  };
  const close = (): Promise<void> => {
    isClosed = true;
    clearTimeout(timer);
    return inTurn(async () => {
      link?.close();
      await link?.closed;
    });
  };

  await prepareFolders(folder, owner);
  await finishOthers(folder, protocol, log);
  if (await exists(paths.socket)) await find();
  return {
    keep(doors) {
      wanted = doors;
      return inTurn(apply);
    },
    onKnock: (given) => listen(given),
    list: async () => (await link?.list()) ?? [],
    close,
    async stop() {
      await close();
      for (const one of findProtocols(await readdir(folder))) await endDoorman(planDoorman(folder, one));
    },
  };
}

/** Doormen of another protocol keep what they carry and no more; who waits there is sent away. */
async function finishOthers(folder: string, own: number, log: DoormanOptions["log"]): Promise<void> {
  for (const protocol of findProtocols(await readdir(folder))) {
    if (protocol === own) continue;
    const paths = planDoorman(folder, protocol);
    const other = await openDoormanLink(paths.socket, waitForEver).catch(() => undefined);
    if (other === undefined) {
      await endDoorman(paths);
      continue;
    }
    await recordDoorman(paths, other.hello.pid);
    await other.finish().catch((err: unknown) => log.warn({ err, protocol }, "a doorman does not finish"));
    other.close();
  }
}

const waitForEver: Wake = () => new Promise(() => undefined);

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

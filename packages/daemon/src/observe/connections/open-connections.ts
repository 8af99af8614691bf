import { BloomError, type AppShape, type ConnectionList } from "@bloomery/contract";
import type { InstanceAddress } from "../../run/engines/engine.js";
import { isOverlapping, type NetworkBlock } from "../../run/network/plan-block.js";
import type { RelayPort } from "../../run/plan-relays.js";
import { endSocket, readHostSockets, readInstanceSockets } from "./kernel-sockets.js";
import { openBook, type Session } from "./open-book.js";
import {
  chooseSessions,
  clientKey,
  planConnections,
  planMeant,
  type ConnectionPlan,
  type InstanceFacts,
  type InstanceSocket,
  type InstanceSockets,
} from "./plan-connections.js";
import { plainAddress, splitAddress, type SocketRow } from "./read-sockets.js";

/** One environment, as far as its connections go. */
export interface ConnectionFacts {
  readonly shape: AppShape;
  /** All that run, those that drain, too. */
  readonly instances: readonly (InstanceFacts & {
    readonly address: InstanceAddress;
    /** Ports of its namespace at which clients of others arrive. */
    readonly relays: readonly RelayPort[];
    /** How many the instance's parent has counted; asked only where nothing better is known. */
    readonly countOpen: () => Promise<number>;
  })[];
  /** Sockets without a port by which nginx reaches it, or whoever wakes it. */
  readonly sockets: readonly string[];
}

/** The open connections of all apps. Nothing is looked at while nobody asks. */
export interface Connections {
  list(facts: ConnectionFacts): Promise<ConnectionList>;
  /** Throws ERR_NOT_FOUND or ERR_CONNECTION_NOT_CLOSED. */
  close(facts: ConnectionFacts, id: string): Promise<void>;
  /** Tells of a connection that the daemon itself has made to an app; returns what takes it back. */
  enter(own: { readonly peer: string; readonly local: string }): () => void;
  stop(): Promise<void>;
}

export function openConnections(parts: {
  /** What nginx's `stream` block writes with the level info. */
  readonly streamLog: string;
  /** Where instances and stable addresses are; null: instances have no addresses. */
  readonly block: Pick<NetworkBlock, "cidr" | "stable"> | null;
  readonly log: { warn(fields: object, text: string): void };
}): Connections {
  const { block } = parts;
  const book = openBook({ file: parts.streamLog, findOpen, log: parts.log });
  const own = new Map<string, Session>();
  let entered = 0;

  /**
   * What came to an instance from this machine. The kernel gives who connects to a stable address that same one, and
   * who connects to an instance's own address another one of the block.
   */
  const findInbound = (
    row: SocketRow,
    address: string,
    relays: readonly RelayPort[],
  ): InstanceSocket | undefined => {
    const { host } = splitAddress(plainAddress(row.peer));
    if (block === null || host === address || !isOverlapping(block.cidr, host)) return undefined;
    const local = planMeant(row.local, relays);
    return { ...row, local, target: isOverlapping(block.stable, host) ? host : address };
  };

  const plan = async (facts: ConnectionFacts): Promise<ConnectionPlan> => {
    const instances = await Promise.all(
      facts.instances.map(async ({ address, relays, ...instance }): Promise<InstanceSockets> => {
        if (address.kind === "unix") return { instance, sockets: [] };
        const rows = await readInstanceSockets(address.address);
        return { instance, sockets: rows.flatMap((row) => findInbound(row, address.address, relays) ?? []) };
      }),
    );
    await book.read();
    const targets = new Set(facts.sockets.map((path) => `unix:${path}`));
    const sessions = chooseSessions([...book.sessions(), ...own.values()], instances, targets);
    const clients = await readClients(sessions);
    const made = planConnections({ sessions, instances, clients, now: Date.now() });
    book.forget(made.ended);
    return made;
  };

  return {
    async list(facts) {
      const { connections } = await plan(facts);
      const uncounted = facts.shape === "tcp" ? [] : facts.instances.filter(isReachedBySocket);
      const counts = await Promise.all(uncounted.map(({ countOpen }) => countOpen()));
      return {
        connections: connections.map(({ view }) => view),
        unlisted: counts.reduce((sum, count) => sum + count, 0),
        notes: describeLimits(facts),
      };
    },

    async close(facts, id) {
      const { connections } = await plan(facts);
      const found = connections.find(({ view }) => view.id === id);
      if (found === undefined) {
        throw new BloomError("ERR_NOT_FOUND", `there is no open connection ${id}`, {
          hint: "It may have ended. `bloom connections APP` lists those that are open.",
        });
      }
      await endSocket(found.socket);
    },

    enter({ peer, local }) {
      const id = `connect-${++entered}`;
      own.set(id, { id, peer, listen: null, since: Date.now(), local, target: null });
      return () => void own.delete(id);
    },

    stop: () => book.close(),
  };
}

async function readClients(sessions: readonly Session[]): Promise<ReadonlyMap<string, SocketRow>> {
  const ports = new Set(sessions.flatMap(({ listen }) => (listen === null ? [] : splitAddress(listen).port)));
  const rows = await readHostSockets(ports);
  return new Map(rows.map((row) => [clientKey(row.local, row.peer), row]));
}

async function findOpen(sessions: readonly Session[]): Promise<ReadonlySet<string>> {
  const clients = await readClients(sessions);
  const isOpen = ({ listen, peer }: Session): boolean =>
    listen !== null && clients.has(clientKey(listen, peer));
  return new Set(sessions.filter(isOpen).map(({ id }) => id));
}

function isReachedBySocket({ address }: ConnectionFacts["instances"][number]): boolean {
  return address.kind === "unix";
}

/** What cannot be known, in words. */
function describeLimits({ shape, instances }: ConnectionFacts): string[] {
  if (shape === "tcp") return [];
  const asks = "`bloom logs APP --type access` shows who asks.";
  if (instances.some(isReachedBySocket))
    return [`nginx talks to this app by a socket: only how many connections it has open is known. ${asks}`];
  return instances.length === 0
    ? []
    : [`nginx stands between this app and its clients: these connections are nginx's own. ${asks}`];
}

import type { ConnectionView } from "@bloomery/contract";
import type { RelayPort } from "../../run/plan-relays.js";
import type { Session } from "./open-book.js";
import { plainAddress, splitAddress, type SocketRow } from "./read-sockets.js";

/** Which instance something belongs to, in the words of a list. */
export interface InstanceFacts {
  readonly id: string;
  readonly version: number;
  readonly release: number;
  readonly state: "open" | "draining";
}

/** A socket of an instance, with the address that its other end, on this machine, was connected to. */
export interface InstanceSocket extends SocketRow {
  readonly target: string;
}

/** The connections that came to an instance, by its own sockets. */
export interface InstanceSockets {
  readonly instance: InstanceFacts;
  readonly sockets: readonly InstanceSocket[];
}

/** The two ends of a socket of this machine. */
export type SocketEnds = Pick<SocketRow, "local" | "peer">;

/** One connection with the socket of this machine, not of the instance, that it ends with. */
export interface ListedConnection {
  readonly view: ConnectionView;
  readonly socket: SocketEnds;
}

export interface ConnectionPlan {
  /** Oldest first; those of which that is not known come last. */
  readonly connections: readonly ListedConnection[];
  /** Sessions that have ended although nginx did not say so. */
  readonly ended: readonly string[];
}

/** The place in an instance that a client meant who arrived at this one. */
export function planMeant(local: string, relays: readonly RelayPort[]): string {
  const { port } = splitAddress(local);
  const meant = relays.find(({ at }) => at === port)?.port;
  return meant === undefined ? local : `${local.slice(0, local.lastIndexOf(":"))}:${meant}`;
}

/** What a session is joined with the sockets of nginx by. */
export function clientKey(listen: string, peer: string): string {
  return `${splitAddress(listen).port} ${plainAddress(peer)}`;
}

/** The sessions that belong to these sockets, or that go to one of these targets (`unix:` and a path). */
export function chooseSessions(
  all: Iterable<Session>,
  instances: readonly InstanceSockets[],
  targets: ReadonlySet<string>,
): Session[] {
  const ends = new Set(
    instances.flatMap(({ sockets }) => sockets.map((socket) => plainAddress(socket.peer))),
  );
  return [...all].filter(
    ({ local, target }) => (local !== null && ends.has(local)) || (target !== null && targets.has(target)),
  );
}

/** What nginx forgets to tell is only believed of sessions that are older: the sockets were looked at a moment ago. */
const settledMs = 2000;

/**
 * Joins what nginx has told with the sockets of the instances and with nginx's own sockets to its clients. A client's
 * socket says whether the connection is still there and how much was sent; the instance's says whose it is.
 */
export function planConnections(facts: {
  readonly sessions: readonly Session[];
  readonly instances: readonly InstanceSockets[];
  /** nginx's sockets to clients, by `clientKey`. */
  readonly clients: ReadonlyMap<string, SocketRow>;
  readonly now: number;
}): ConnectionPlan {
  const { sessions, clients, now } = facts;
  const ended: string[] = [];
  const connections: ListedConnection[] = [];
  // Of two that claim the same socket only the later one can have it.
  const owners = new Map(sessions.map((one) => [one.local ?? "", one]));
  const led = new Set<string>();
  const rest: { readonly instance: InstanceFacts; readonly socket: InstanceSocket }[] = [];

  const end = ({ id, since }: Session): void => {
    if (since < now - settledMs) ended.push(id);
  };
  /** False when it has ended. `own` is the instance's socket. */
  const add = (session: Session, instance: InstanceFacts | null, own?: InstanceSocket): boolean => {
    const { listen, peer } = session;
    const row = listen === null ? own : clients.get(clientKey(listen, peer));
    if (row === undefined) {
      end(session);
      return false;
    }
    const socket = row === own ? planOtherEnd(own) : row;
    connections.push({ view: viewSession(session, row, instance, now), socket });
    return true;
  };

  for (const { instance, sockets } of facts.instances) {
    for (const socket of sockets) {
      const session = owners.get(plainAddress(socket.peer));
      if (session === undefined) {
        // What waits for the app to close it has no client any more.
        if (socket.state === "ESTAB") rest.push({ instance, socket });
        continue;
      }
      led.add(session.id);
      add(session, instance, socket);
    }
  }
  // These came by a door or another socket without a port. Whose they are is known when there is no choice.
  const only = planOnly(rest, facts.instances);
  let doors = 0;
  for (const session of sessions) {
    if (led.has(session.id)) continue;
    if (session.target?.startsWith("unix:") !== true) end(session);
    else if (add(session, only)) doors++;
  }
  connections.push(...rest.slice(doors).map(({ instance, socket }) => viewSocket(instance, socket)));
  return { connections: connections.toSorted(compare), ended };
}

/** The one instance that sockets without a session are of, or the only one there is. */
function planOnly(
  rest: readonly { readonly instance: InstanceFacts }[],
  instances: readonly InstanceSockets[],
): InstanceFacts | null {
  const owners = new Set((rest.length > 0 ? rest : instances).map(({ instance }) => instance));
  const [only = null] = owners;
  return owners.size === 1 ? only : null;
}

function viewSession(
  session: Session,
  row: SocketRow,
  instance: InstanceFacts | null,
  now: number,
): ConnectionView {
  return {
    id: session.id,
    peer: session.listen === null ? session.peer : plainAddress(session.peer),
    port: splitAddress(session.listen ?? row.local).port,
    ...describeInstance(instance),
    since: new Date(session.since).toISOString(),
    ageSeconds: Math.max(0, Math.floor((now - session.since) / 1000)),
    bytesIn: row.bytesIn,
    bytesOut: row.bytesOut,
  };
}

/** A socket of an app of which nobody has told. */
function viewSocket(instance: InstanceFacts, socket: InstanceSocket): ListedConnection {
  const { port } = splitAddress(socket.local);
  const view: ConnectionView = {
    id: `${instance.id}.${splitAddress(socket.peer).port}`,
    peer: null,
    port,
    ...describeInstance(instance),
    since: null,
    ageSeconds: null,
    bytesIn: socket.bytesIn,
    bytesOut: socket.bytesOut,
  };
  return { view, socket: planOtherEnd(socket) };
}

/** The socket of this machine that the instance's socket is connected to. */
function planOtherEnd({ local, peer, target }: InstanceSocket): SocketEnds {
  return { local: plainAddress(peer), peer: `${target}:${splitAddress(local).port}` };
}

function describeInstance(
  instance: InstanceFacts | null,
): Pick<ConnectionView, "version" | "release" | "instance" | "state"> {
  if (instance === null) return { version: null, release: null, instance: null, state: "open" };
  const { id, version, release, state } = instance;
  return { version, release, instance: id, state };
}

function compare({ view: one }: ListedConnection, { view: other }: ListedConnection): number {
  const keyOf = ({ since, id }: ConnectionView): string => `${since ?? "~"} ${id}`;
  const [a, b] = [keyOf(one), keyOf(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}

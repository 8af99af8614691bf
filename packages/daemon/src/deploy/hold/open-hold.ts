import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import type { InstanceAddress } from "../../run/engines/engine.js";
import { connectTo, joinSockets, listenFor, type Owner } from "./sockets.js";

/** Keeps the connections of one environment waiting while nobody serves it. */
export interface Hold {
  /** Connections that wait at present. */
  readonly waiting: number;
  /** Leads all that wait, and those that still come, to these instances in turn; then takes the socket away. */
  release(targets: readonly InstanceAddress[]): Promise<void>;
  /** Answers all that wait with 503, then takes the socket away. */
  refuse(): Promise<void>;
}

export interface HoldOptions {
  /** The socket nginx turns to when it finds nobody else. */
  readonly path: string;
  /** Who may connect; null: whoever runs the daemon. */
  readonly owner: Owner;
  /** Longest time one connection waits. */
  readonly limitMs: number;
  /** Connections beyond this are refused at once: each is a descriptor of the daemon. */
  readonly maxWaiting?: number;
  /** How long connections that were on their way when the hold ended are still led on. */
  readonly lingerMs?: number;
}

const defaultMaxWaiting = 10_000;
const defaultLingerMs = 1_000;

/**
 * Opens the socket. Nothing is read of a connection while it waits, so what the client sent stays where it is, and
 * after the release bytes go through unseen: it is nginx that speaks HTTP on one end and the app on the other.
 */
export async function openHold(options: HoldOptions): Promise<Hold> {
  const { maxWaiting = defaultMaxWaiting, lingerMs = defaultLingerMs } = options;
  const waiting = new Map<Socket, NodeJS.Timeout>();
  let targets: readonly InstanceAddress[] | undefined;
  let turn = 0;

  const forget = (socket: Socket): void => {
    clearTimeout(waiting.get(socket));
    waiting.delete(socket);
  };
  const lead = (socket: Socket): void => {
    forget(socket);
    const target = targets?.[turn++ % Math.max(1, targets.length)];
    if (target === undefined) answerBusy(socket, "nothing serves this app at present");
    else joinSockets(socket, connectTo(target));
  };
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    if (targets !== undefined) return lead(socket);
    if (waiting.size >= maxWaiting) return answerBusy(socket, "too many requests wait for this deployment");
    const timer = setTimeout(() => {
      forget(socket);
      answerBusy(socket, "ERR_HOLD_EXCEEDED: the deployment under way takes longer than requests may wait");
    }, options.limitMs);
    waiting.set(socket, timer);
    // Nothing is read, so a client that went away shows only when nginx closes the connection.
    socket.once("close", () => forget(socket));
  });
  await listenFor(server, options);

  const end = async (next: readonly InstanceAddress[]): Promise<void> => {
    if (targets !== undefined) return;
    targets = next;
    for (const socket of waiting.keys()) lead(socket);
    // Whoever was turned away a moment ago knocks here yet.
    await new Promise((resolve) => setTimeout(resolve, lingerMs));
    server.close();
    await rm(options.path, { force: true });
  };

  return {
    get waiting() {
      return waiting.size;
    },
    release: end,
    refuse: () => end([]),
  };
}

/** An answer for nginx, which passes it on; the request was never read. */
function answerBusy(socket: Socket, reason: string): void {
  const body = `${reason}\n`;
  const head = [
    "HTTP/1.1 503 Service Unavailable",
    "Content-Type: text/plain",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Retry-After: 10",
    "Connection: close",
  ];
  // Read what comes, or closing would reset the connection before the answer has been read.
  socket.resume();
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  socket.setTimeout(5_000, () => socket.destroy());
}

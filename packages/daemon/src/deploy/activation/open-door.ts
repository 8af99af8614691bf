import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { BloomError } from "@bloomery/contract";
import type { Instance } from "../../run/engines/engine.js";
import { connectTo, joinSockets, listenFor, type Owner } from "../hold/sockets.js";
import { answerRefusal, explainRefusal, type TellRefusal } from "./answer.js";
import type { Awake } from "./ports.js";
import { readHead, type Waiting } from "./read-head.js";

/** Where nginx turns to when nobody serves an environment: whoever knocks wakes it, and is led to it. */
export interface Door {
  readonly waiting: number;
  /** Takes the socket away, and answers all that wait with this reason; null: they go on waiting. */
  close(reason: BloomError | null): Promise<void>;
}

export interface DoorOptions {
  readonly path: string;
  readonly owner: Owner;
  readonly wake: (signal: AbortSignal, onStands: (instance: Instance) => void) => Promise<Awake>;
  /** Whether a socket is there, and keeps who connects, before the instance is ready. */
  readonly takesEarly: boolean;
  /** How callers are told that there is nobody to answer. */
  readonly tell: TellRefusal;
  /** Requests beyond it are turned away at once; asked anew each time. */
  readonly limit: () => number;
  readonly waitMs: () => number;
  /** Told the beginning of a request that has waited for a start, and for how many microseconds. */
  readonly onWaited?: (head: Buffer, startUs: number) => void;
}

const full = new BloomError("ERR_QUEUE_FULL", "too many requests wait for this to start");
/** An instance may have vanished a moment before anybody knows. */
const attempts = 5;
const pauseMs = 20;

/** Opens the socket. Bytes go through unseen: it is nginx that speaks HTTP on one end and the app on the other. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const waiting = new Map<Waiting, AbortController>();

  const refuse = async (request: Waiting, error: unknown): Promise<void> => {
    // nginx sends the head in one piece, and it says how the answer shall look.
    await request.begun;
    const head = request.take();
    if (!request.left) turnAway(request.socket, error, head);
  };

  const turnAway = (socket: Socket, error: unknown, head: Buffer = Buffer.alloc(0)): void => {
    const refusal = explainRefusal(error);
    answerRefusal(socket, refusal, options.tell(refusal, head));
  };

  const lead = async (request: Waiting, signal: AbortSignal): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      const early = createEarly(signal);
      const onStands = options.takesEarly ? early.connect : () => undefined;
      const awake = await options.wake(signal, onStands).catch((error: unknown) => {
        early.take();
        throw error;
      });
      const far = early.take(awake.instance) ?? connectTo(awake.instance.address);
      if (request.left) return void far.destroy();
      try {
        await untilConnected(far);
      } catch (error) {
        if (attempt === attempts) throw lost(error);
        await new Promise((resolve) => setTimeout(resolve, pauseMs * attempt));
        continue;
      }
      if (request.left) return void far.destroy();
      const first = request.take();
      if (awake.startUs !== null)
        options.onWaited?.(first, Math.round((performance.now() - request.since) * 1000));
      if (first.length > 0) far.write(first);
      return joinSockets(request.socket, far);
    }
  };

  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    if (waiting.size >= options.limit()) return turnAway(socket, full);
    const abort = new AbortController();
    const request = readHead(socket, () => {
      abort.abort(new Error("the client has left"));
      waiting.delete(request);
      socket.destroy();
    });
    waiting.set(request, abort);
    const timer = setTimeout(() => abort.abort(late()), options.waitMs());
    lead(request, abort.signal)
      .catch((error: unknown) => refuse(request, error))
      .finally(() => {
        clearTimeout(timer);
        waiting.delete(request);
      });
  });
  await listenFor(server, options);

  let closing: Promise<void> | undefined;
  return {
    get waiting() {
      return waiting.size;
    },
    close: (reason) =>
      (closing ??= (async () => {
        server.close();
        await rm(options.path, { force: true });
        if (reason !== null) for (const abort of waiting.values()) abort.abort(reason);
      })()),
  };
}

/**
 * A connection to an instance that is not ready yet, made while there is time. Nothing is said on it before the instance
 * is: what has not been sent can be answered otherwise.
 */
function createEarly(signal: AbortSignal) {
  let made: { readonly instance: Instance; readonly socket: Socket } | undefined;
  let isOpen = true;
  const drop = (): void => void made?.socket.destroy();
  signal.addEventListener("abort", drop, { once: true });
  return {
    connect(instance: Instance): void {
      if (!isOpen || made !== undefined || signal.aborted) return;
      const socket = connectTo(instance.address);
      socket.on("error", () => undefined);
      made = { instance, socket };
    },
    /** The wait is over: the connection, when it leads to this instance; any other one goes. */
    take(instance?: Instance): Socket | undefined {
      isOpen = false;
      signal.removeEventListener("abort", drop);
      if (made !== undefined && made.instance === instance && !made.socket.destroyed) return made.socket;
      drop();
      return undefined;
    },
  };
}

function untilConnected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.readyState === "open") return resolve();
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.once("error", fail);
    socket.once("connect", () => {
      socket.off("error", fail);
      resolve();
    });
  });
}

function lost(cause: unknown): BloomError {
  return new BloomError("ERR_INSTANCE_LOST", "the instance vanished while it was called", {
    cause,
  });
}

function late(): BloomError {
  return new BloomError("ERR_NOT_READY", "it did not become ready in time");
}

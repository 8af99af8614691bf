import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { BloomError, controlLine, type ControlRequest, type ShimStatus } from "@bloomery/contract";

/** A connection to one instance's shim; it lives as long as the shim does. */
export interface ControlClient {
  /** The newest status the shim has told. */
  readonly status: ShimStatus;
  /** Asks for a status with current connections and memory. */
  refresh(): Promise<ShimStatus>;
  stop(graceMs: number | null): Promise<void>;
  drain(limitMs: number): Promise<void>;
  signal(name: string): Promise<void>;
  restart(): Promise<void>;
  /** Calls back on every state the shim tells; returns the unsubscribe. */
  watchStatus(listener: (status: ShimStatus) => void): () => void;
  /** Fulfils when the shim is gone: stopped, killed, or the connection broke. */
  readonly closed: Promise<void>;
  /** Lets go of the connection; the instance goes on. */
  close(): void;
}

type Verb = ControlRequest extends infer R ? (R extends { id: number } ? Omit<R, "id"> : never) : never;

const answerLimitMs = 10_000;

/** Connects and subscribes. Throws ERR_INSTANCE_LOST when nobody listens on the socket. */
export async function openControlClient(socketPath: string): Promise<ControlClient> {
  const socket = await connectTo(socketPath);
  const waiting = new Map<
    number,
    { resolve: (status: ShimStatus | undefined) => void; reject: (error: Error) => void }
  >();
  const listeners = new Set<(status: ShimStatus) => void>();
  let nextId = 1;
  let status: ShimStatus | undefined;
  let release: () => void;
  const closed = new Promise<void>((resolve) => (release = resolve));

  const tell = (news: ShimStatus): void => {
    status = news;
    for (const listener of listeners) listener(news);
  };
  const receive = (line: string): void => {
    const parsed = controlLine.safeParse(parseJson(line));
    if (!parsed.success) return;
    const message = parsed.data;
    if ("event" in message) return tell(message.status);
    const asked = message.id === undefined ? undefined : waiting.get(message.id);
    if (asked === undefined || message.id === undefined) return;
    waiting.delete(message.id);
    if (!message.ok)
      return asked.reject(new BloomError("ERR_INTERNAL", `the shim refused: ${message.error.message}`));
    if (message.status !== undefined) tell(message.status);
    asked.resolve(message.status);
  };
  // It tells the socket's errors again, and a shim that is killed before it has read a request is one.
  createInterface({ input: socket })
    .on("line", receive)
    .on("error", () => undefined);
  socket.on("error", () => undefined); // "close" follows and says all that matters
  socket.on("close", () => {
    for (const { reject } of waiting.values()) reject(lost(socketPath));
    waiting.clear();
    release();
  });

  const ask = (request: Verb): Promise<ShimStatus | undefined> =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(lost(socketPath));
      const id = nextId++;
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(new BloomError("ERR_INSTANCE_LOST", `the shim at ${socketPath} did not answer within 10 s`));
      }, answerLimitMs);
      waiting.set(id, {
        resolve: (answer) => (clearTimeout(timer), resolve(answer)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      });
      socket.write(`${JSON.stringify({ id, ...request })}\n`);
    });

  const first = await ask({ verb: "watch" });
  if (first === undefined) throw lost(socketPath);
  return {
    get status() {
      return status ?? first;
    },
    refresh: async () => (await ask({ verb: "status" })) ?? status ?? first,
    stop: async (graceMs) => void (await ask({ verb: "stop", grace_ms: graceMs })),
    drain: async (limitMs) => void (await ask({ verb: "drain", limit_ms: limitMs })),
    signal: async (signal) => void (await ask({ verb: "signal", signal })),
    restart: async () => void (await ask({ verb: "restart" })),
    watchStatus(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    closed,
    close: () => socket.destroy(),
  };
}

function connectTo(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once("connect", () => resolve(socket));
    socket.once("error", (cause) =>
      reject(new BloomError("ERR_INSTANCE_LOST", `no shim listens on ${path}`, { cause })),
    );
  });
}

function lost(path: string): BloomError {
  return new BloomError("ERR_INSTANCE_LOST", `the shim at ${path} is gone`);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

import type { ShimStatus } from "@bloomery/contract";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { rm } from "node:fs/promises";
import type { Socket } from "node:net";
import type { Instance } from "../../../../src/run/engines/engine.js";

type Answer = (...args: Parameters<RequestListener>) => void | Promise<void>;

/** A function's instance: an HTTP server on a unix socket, which can be ended in the middle of anything. */
export interface FakeFunction {
  readonly instance: Instance;
  /** How many requests have reached it. */
  readonly requests: () => number;
  /** Its shim tells how its process has ended. */
  tellExit(exit: NonNullable<ShimStatus["last_exit"]>): void;
  /** Breaks all connections off and takes none any more, as a process that was killed. */
  kill(): Promise<void>;
}

export async function startFake(path: string, answer: Answer, id = "i-fake"): Promise<FakeFunction> {
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
  const listeners = new Set<(status: ShimStatus) => void>();
  let status = { state: "ready", last_exit: null } as ShimStatus;
  let requests = 0;
  const server: Server = createServer((request, response) => {
    requests++;
    void answer(request, response);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    instance: {
      ...{ id, address: { kind: "unix", path }, memoryBytes: 96 * 1_048_576 },
      get status() {
        return status;
      },
      watchStatus(listener: (status: ShimStatus) => void) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      gone: new Promise<void>(() => undefined),
    } as unknown as Instance,
    requests: () => requests,
    tellExit(exit) {
      status = { ...status, last_exit: exit };
      for (const listener of listeners) listener(status);
    },
    async kill() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

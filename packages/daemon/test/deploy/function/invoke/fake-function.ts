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
  /** Breaks all connections off and takes none any more, as a process that was killed. */
  kill(): Promise<void>;
}

export async function startFake(path: string, answer: Answer, id = "i-fake"): Promise<FakeFunction> {
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
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
    instance: { id, address: { kind: "unix", path } } as Instance,
    requests: () => requests,
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

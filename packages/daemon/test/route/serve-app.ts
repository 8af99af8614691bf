import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from "node:net";
import type { NginxBench } from "./real-nginx.js";
import { makeTarget } from "./targets.js";

const servers: (Server | TcpServer)[] = [];

/** Closes what the test has opened; to be given to afterEach. */
export function closeServers(): void {
  for (const server of servers.splice(0)) server.close();
}

/** Opens a server on a free port of the loopback. */
export async function listen(server: Server | TcpServer): Promise<number> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Makes nginx serve an app of this test's own. */
export async function serveHttp(
  bench: NginxBench,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<void> {
  await servePort(bench, await listen(createServer(handler)));
}

export async function serveTcp(bench: NginxBench, handler: (socket: Socket) => void): Promise<void> {
  const server = createTcpServer((socket) => handler(socket.on("error", () => undefined)));
  await servePort(bench, await listen(server));
}

export function servePort(bench: NginxBench, port: number): Promise<void> {
  return bench.serve([makeTarget({ servers: [{ kind: "tcp", address: "127.0.0.1", port }] })]);
}

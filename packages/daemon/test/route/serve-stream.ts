import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { findFreePort } from "../../../../scripts/lib/find-free-port.mjs";
import { findModules } from "../../src/route/nginx-modules.js";
import type { NginxCoreOptions } from "../../src/route/open-nginx.js";
import type { RouteTarget, StreamTarget } from "../../src/route/plan-routes.js";
import { nginxBinary, nginxUser, openBench, type NginxBench } from "./real-nginx.js";
import { makeTarget } from "./targets.js";

/** One port as it is when a manifest says nothing more. */
export function makeStream(wish: Partial<StreamTarget> = {}): StreamTarget {
  return {
    port: 7000,
    servers: [{ kind: "tcp", address: "198.18.128.1", port: 7878 }],
    backup: null,
    proxyProtocol: null,
    tls: null,
    allow: [],
    maxConnections: null,
    maxConnectionsPerAddress: null,
    idleSeconds: 3600,
    ...wish,
  };
}

export function makeTcpApp(streams: readonly StreamTarget[], wish: Partial<RouteTarget> = {}): RouteTarget {
  return makeTarget({
    app: "chat",
    shape: "tcp",
    hostNames: [],
    servers: [],
    locations: {},
    streams,
    ...wish,
  });
}

/** A bench whose nginx opens ports of tcp apps on the loopback of both families. */
export async function openStreamBench(wish: Partial<NginxCoreOptions> = {}): Promise<NginxBench> {
  const { modules, stream } = await findModules(nginxBinary);
  if (stream === null)
    throw new Error("this nginx has no stream module: apt-get install libnginx-mod-stream");
  return openBench({ ...wish, modules, stream: { ...stream, addresses: ["127.0.0.1", "::1"] } });
}

/** Whom nginx's files and sockets are for. */
export const streamOwner = nginxUser;

export interface TcpServer {
  readonly address: StreamTarget["servers"][number];
  readonly server: Server;
  /** Those that are open. */
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/** A server on a port of its own, or on a unix socket; sockets stay half open as long as it wants. */
export async function openTcpServer(
  handler: (socket: Socket) => void,
  at: number | string | null = null,
): Promise<TcpServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
    handler(socket);
  });
  const place = at ?? (await findFreePort());
  if (typeof place === "string") server.listen(place);
  else server.listen(place, "127.0.0.1");
  await once(server, "listening");
  return {
    address:
      typeof place === "string"
        ? { kind: "unix", path: place }
        : { kind: "tcp", address: "127.0.0.1", port: place },
    server,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, "close");
    },
  };
}

/** Connects, and waits until it is. */
export async function open(port: number, host = "127.0.0.1"): Promise<Socket> {
  const socket = connect({ port, host, allowHalfOpen: true });
  await once(socket, "connect");
  return socket.on("error", () => undefined);
}

/** Everything until the other side has finished. */
export async function readAll(socket: Socket): Promise<string> {
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  // A reset is an end too.
  await new Promise((resolve) => socket.once("end", resolve).once("close", resolve));
  return Buffer.concat(parts).toString();
}

/** What comes next, as text. */
export async function readNext(socket: Socket): Promise<string> {
  const [part] = (await once(socket, "data")) as [Buffer];
  return part.toString();
}

/** Sends a word and gives back what is answered to it. */
export async function ask(socket: Socket, word: string): Promise<string> {
  const answer = readNext(socket);
  socket.write(word);
  return answer;
}

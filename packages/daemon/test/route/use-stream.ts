import { readFile } from "node:fs/promises";
import { afterEach, beforeEach } from "vitest";
import { findFreePort } from "../../../../scripts/lib/find-free-port.mjs";
import type { NginxCoreOptions } from "../../src/route/open-nginx.js";
import type { StreamTarget } from "../../src/route/plan-routes.js";
import type { NginxBench } from "./real-nginx.js";
import {
  makeStream,
  makeTcpApp,
  open,
  openStreamBench,
  openTcpServer,
  type TcpServer,
} from "./serve-stream.js";

/** A real nginx for each test, with one public port; everything opened through it is closed after the test. */
export interface StreamTest {
  readonly bench: NginxBench;
  readonly port: number;
  startServer(...args: Parameters<typeof openTcpServer>): Promise<TcpServer>;
  /** Answers each piece with its name before it, and ends with its client. */
  startNamed(name: string, at?: number | string | null): Promise<TcpServer>;
  serve(servers: readonly TcpServer[], wish?: Partial<StreamTarget>): Promise<void>;
  /** A client of the port, or of another one. */
  connect(host?: string, port?: number): ReturnType<typeof open>;
  /** The lines about connections that have ended. */
  readEnded(): Promise<readonly Record<string, unknown>[]>;
  cleanUp(cleanup: () => unknown): void;
}

/** To be called once, at the top of a file. */
export function useStream(wish: Partial<NginxCoreOptions> = {}): StreamTest {
  const cleanups: (() => unknown)[] = [];
  let bench: NginxBench;
  let port = 0;
  beforeEach(async () => {
    const opened = await openStreamBench(wish);
    cleanups.push(() => opened.close());
    bench = opened;
    port = await findFreePort();
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  });

  const startServer: StreamTest["startServer"] = async (...args) => {
    const server = await openTcpServer(...args);
    cleanups.push(() => server.close());
    return server;
  };
  return {
    get bench() {
      return bench;
    },
    get port() {
      return port;
    },
    startServer,
    startNamed: (name, at = null) =>
      startServer((socket) => {
        socket.on("data", (part) => socket.write(`${name}:${String(part)}`)).once("end", () => socket.end());
      }, at),
    serve: (servers, own = {}) =>
      bench.serve([
        makeTcpApp([makeStream({ port, servers: servers.map(({ address }) => address), ...own })]),
      ]),
    async connect(host, at = port) {
      const socket = await open(at, host);
      cleanups.push(() => socket.destroy());
      return socket;
    },
    readEnded: async () =>
      (await readFile(bench.paths.streamAccessLog, "utf8"))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    cleanUp: (cleanup) => void cleanups.push(cleanup),
  };
}

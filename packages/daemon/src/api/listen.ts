import { chmod, rename, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { FastifyInstance } from "fastify";
import { BloomError } from "@bloomery/contract";

export interface ListenOptions {
  readonly address: string;
  readonly port: number;
  readonly socket: string;
  /** Names the process that holds the port, for the error. */
  readonly describeHolder: (port: number) => Promise<string | undefined>;
}

/**
 * Opens the API on loopback and on a unix socket that only its owner may use. Returns the port (a wished 0
 * becomes a free one) and the close. Throws ERR_PORT_TAKEN.
 */
export async function listenApi(
  app: FastifyInstance,
  options: ListenOptions,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  try {
    await app.listen({ host: options.address, port: options.port });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE") throw cause;
    const holder = await options.describeHolder(options.port);
    throw new BloomError(
      "ERR_PORT_TAKEN",
      `port ${options.port}, wanted for the API, is held by ${holder ?? "another process"}`,
      { cause, hint: "Stop the holder, or choose another port with --api-port." },
    );
  }
  const bound = app.server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : options.port;
  // Node would end every request that takes longer than five minutes: uploads, and commands that are typed to.
  const local = createServer({ requestTimeout: 0 }, (request, response) => app.routing(request, response));
  await listenUnix(local, options.socket);
  return {
    port,
    async close() {
      local.closeAllConnections();
      await new Promise((resolve) => local.close(resolve));
      await app.close();
    },
  };
}

/** Binds beside and renames, so that there is never a moment without a socket or with one that is too open. */
async function listenUnix(server: Server, path: string): Promise<void> {
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(fresh, resolve);
  });
  await chmod(fresh, 0o600);
  await rename(fresh, path);
}

/** Writes what the CLI on this machine needs to find the daemon. */
export async function writeApiFile(
  path: string,
  facts: {
    readonly apiUrl: string;
    readonly socket: string;
    readonly pid: number;
    readonly httpPort: number;
    readonly version: string;
  },
): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(facts)}\n`, { mode: 0o644 });
  await rename(`${path}.new`, path);
}

import { createServer } from "node:net";

const given = new Set<number>();

/**
 * A loopback port that nobody listens on. The kernel hands ports out in turn, so one that was just free is
 * very unlikely to be taken before the app binds it; a port is not given twice by the same daemon.
 */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = await new Promise<number>((resolve, reject) => {
      const server = createServer();
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
      });
    });
    if (given.has(port)) continue;
    given.add(port);
    if (given.size > 4096) given.clear();
    return port;
  }
}

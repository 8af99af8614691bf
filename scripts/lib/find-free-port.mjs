import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below what Linux gives to connections and to servers that take any port, so that nobody gets it in between. */
const [first, end] = [15_000, 32_000];

/** A loopback port nobody listens on. */
export async function findFreePort() {
  for (;;) {
    const port = randomInt(first, end);
    if (await isFree(port)) return port;
  }
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

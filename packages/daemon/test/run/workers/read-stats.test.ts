import { link, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readStats } from "../../../src/run/workers/read-stats.js";

let folder = "";
const open: (Server | Socket)[] = [];

beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "bloom-stats-"))));
afterEach(async () => {
  for (const one of open.splice(0)) {
    if ("destroy" in one) one.destroy();
    else one.close();
  }
  await rm(folder, { recursive: true });
});

/** A host that does this with whoever asks. */
async function serve(answer: (socket: Socket) => void): Promise<string> {
  const path = join(folder, "stats.sock");
  const server = createServer((socket) => {
    open.push(socket);
    socket.on("error", () => undefined);
    answer(socket);
  });
  open.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

const head = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n";

test("asks, and reads until the host has ended", async () => {
  const path = await serve((socket) => {
    socket.write(`${head}{"a":`);
    socket.end("1}");
  });
  expect(await readStats(path)).toBe('{"a":1}');
});

test("one that says nothing, or no end, is not waited for", async () => {
  const path = await serve((socket) => void socket.write(`${head}{`));
  expect(await readStats(path, 50)).toBeNull();
});

test("an answer that is none, and a refusal, say nothing", async () => {
  const said = ["", "{}", "HTTP/1.0 405 No\r\n\r\n{}", "HTTP/1.0 200 OK\r\n"];
  const path = await serve((socket) => void socket.end(said.shift() ?? ""));
  while (said.length > 0) expect(await readStats(path)).toBeNull();
});

test("one that talks without end is not listened to", async () => {
  const much = Buffer.alloc(1_048_576, "x");
  const path = await serve((socket) => {
    const go = (): void => {
      while (!socket.destroyed && socket.write(much));
    };
    socket.on("drain", go);
    go();
  });
  expect(await readStats(path, 60_000)).toBeNull();
});

test("nothing there, something else there, and a link that leads elsewhere say nothing", async () => {
  const path = await serve((socket) => void socket.end(`${head}{}`));
  expect(await readStats(join(folder, "none.sock"))).toBeNull();
  await writeFile(join(folder, "file"), "{}");
  expect(await readStats(join(folder, "file"))).toBeNull();
  await symlink(path, join(folder, "link.sock"));
  expect(await readStats(join(folder, "link.sock"))).toBeNull();
  expect(await readStats(path)).toBe("{}");
});

test("a socket that nobody listens on any more says nothing", async () => {
  const path = await serve((socket) => void socket.end(`${head}{}`));
  const server = open.find((one) => !("destroy" in one)) as Server;
  // Node takes the name away as it closes: the second name keeps the socket.
  await link(path, join(folder, "dead.sock"));
  await new Promise((resolve) => server.close(resolve));
  expect(await readStats(join(folder, "dead.sock"))).toBeNull();
});

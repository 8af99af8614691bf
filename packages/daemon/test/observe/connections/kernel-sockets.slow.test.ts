import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import {
  endSocket,
  readHostSockets,
  readInstanceSockets,
} from "../../../src/observe/connections/kernel-sockets.js";

const isRoot = process.getuid?.() === 0;
const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

async function openPair(): Promise<{ client: Socket; port: number; ends: { local: string; peer: string } }> {
  const server = createServer((socket) => socket.on("error", () => undefined));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connect(port, "127.0.0.1").on("error", () => undefined);
  cleanups.push(
    () => server.close(),
    () => client.destroy(),
  );
  await once(client, "connect");
  return { client, port, ends: { local: `127.0.0.1:${port}`, peer: `127.0.0.1:${client.localPort}` } };
}

test("only the sockets on these ports are read, also when there are very many", async () => {
  const [{ port, ends }, other] = [await openPair(), await openPair()];
  expect(await readHostSockets(new Set())).toEqual([]);
  expect(await readHostSockets(new Set([port]))).toMatchObject([{ ...ends, state: "ESTAB" }]);
  const many = new Set([port, ...Array.from({ length: 100 }, (_, index) => index + 1)]);
  const locals = (await readHostSockets(many)).map(({ local }) => local);
  expect(locals).toEqual(expect.arrayContaining([ends.local, other.ends.local]));
});

test("an instance that has gone has no sockets", async () => {
  expect(await readInstanceSockets("192.0.2.126")).toEqual([]);
  expect(await readInstanceSockets("nowhere")).toEqual([]);
});

test("what has ended already is ended", async () => {
  const { client, ends } = await openPair();
  await endSocket({ ...ends, peer: "127.0.0.1:1" });
  expect(client.readyState).toBe("open");
});

test("says when the kernel does not end a connection", async () => {
  const { client, ends } = await openPair();
  if (isRoot) process.seteuid?.(65_534);
  try {
    await expect(endSocket(ends)).rejects.toMatchObject({ code: "ERR_CONNECTION_NOT_CLOSED" });
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
  expect(client.readyState).toBe("open");
});

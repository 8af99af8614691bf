import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect as connectTls } from "node:tls";
import { describe, expect, test } from "vitest";
import { findFreePort } from "../../../../scripts/lib/find-free-port.mjs";
import { installTls } from "../../src/route/install-tls.js";
import { makeCertificate } from "./certificate.js";
import { ask, makeStream, makeTcpApp, readAll, readNext, streamOwner } from "./serve-stream.js";
import { useStream } from "./use-stream.js";
import { waitUntil } from "./wait-until.js";

const own = useStream();

describe("bytes", () => {
  test.each(["127.0.0.1", "::1"])("go both ways as they are, on %s", async (host) => {
    await own.serve([await own.startServer((socket) => socket.pipe(socket))]);
    const socket = await own.connect(host);
    const bytes = Buffer.alloc(3_000_000, "\0\u00ffabc");
    const received: Buffer[] = [];
    socket.on("data", (part: Buffer) => received.push(part));
    socket.end(bytes);
    await once(socket, "end");
    expect(Buffer.concat(received).equals(bytes)).toBe(true);
  });

  test("a server speaks first", async () => {
    await own.serve([await own.startServer((socket) => socket.write("hello"))]);
    expect(await readNext(await own.connect())).toBe("hello");
  });

  test("a client that has sent everything still gets its answer", async () => {
    await own.serve([
      await own.startServer((socket) => {
        let text = "";
        socket.on("data", (part) => (text += String(part)));
        socket.once("end", () => setImmediate(() => socket.end(`got ${text}`)));
      }),
    ]);
    const socket = await own.connect();
    const answer = readAll(socket);
    socket.end("all of it");
    expect(await answer).toBe("got all of it");
  });

  test("a server that has sent everything still gets what the client sends", async () => {
    let finish: (text: string) => void = () => undefined;
    const heard = new Promise<string>((resolve) => (finish = resolve));
    await own.serve([
      await own.startServer((socket) => {
        socket.end("bye");
        let text = "";
        socket.on("data", (part) => (text += String(part)));
        socket.once("end", () => finish(text));
      }),
    ]);
    const socket = await own.connect();
    socket.resume();
    await once(socket, "end");
    socket.write("one ");
    socket.end("two");
    expect(await heard).toBe("one two");
  });

  test("a reset of either side reaches the other", async () => {
    const server = await own.startServer((socket) => {
      socket.once("end", () => socket.end()).write("hello");
    });
    await own.serve([server]);
    const first = await own.connect();
    await readNext(first);
    for (const socket of server.sockets) socket.resetAndDestroy();
    expect(await readAll(first)).toBe("");
    const second = await own.connect();
    await readNext(second);
    second.resetAndDestroy();
    await waitUntil(() => server.sockets.size === 0);
  });
});

describe("what a port may be told", () => {
  test("who is not allowed is closed before the app sees anything", async () => {
    const server = await own.startNamed("app");
    await own.serve([server], { allow: ["127.0.0.0/8"] });
    expect(await ask(await own.connect("127.0.0.1"), "x")).toBe("app:x");
    expect(await readAll(await own.connect("::1"))).toBe("");
    expect(server.sockets.size).toBe(1);
    await waitUntil(async () => (await own.readEnded()).some(({ status }) => status === 403));
  });

  test("connections of all, and of one address, are counted over all workers", async () => {
    const server = await own.startNamed("app");
    await own.serve([server], { maxConnections: 3, maxConnectionsPerAddress: 2 });
    const ask6 = async (): Promise<string> => ask(await own.connect("::1"), "x");
    const sockets = [await own.connect(), await own.connect()];
    for (const socket of sockets) expect(await ask(socket, "x")).toBe("app:x");
    expect(await readAll(await own.connect())).toBe("");
    expect(await ask6()).toBe("app:x");
    expect(await readAll(await own.connect("::1"))).toBe("");
    sockets[0]?.destroy();
    await waitUntil(() => server.sockets.size === 2);
    expect(await ask6()).toBe("app:x");
    await waitUntil(async () => (await own.readEnded()).filter(({ status }) => status === 503).length === 2);
  });

  test("limits of one port are no other's", async () => {
    const server = await own.startNamed("app");
    const other = await findFreePort();
    const streams = [own.port, other].map((one) =>
      makeStream({ port: one, servers: [server.address], maxConnections: 1, maxConnectionsPerAddress: 1 }),
    );
    await own.bench.serve([makeTcpApp(streams)]);
    const first = await own.connect();
    expect(await ask(first, "x")).toBe("app:x");
    const second = await own.connect("127.0.0.1", other);
    expect(await ask(second, "x")).toBe("app:x");
  });

  test("who says nothing is closed, and who speaks is not", async () => {
    await own.serve([await own.startNamed("app")], { idleSeconds: 1 });
    const silent = await own.connect();
    const started = performance.now();
    const talking = await own.connect();
    let isTalking = true;
    const closed = readAll(silent).finally(() => (isTalking = false));
    while (isTalking) {
      expect(await ask(talking, "x")).toBe("app:x");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await closed).toBe("");
    expect(performance.now() - started).toBeGreaterThan(900);
    expect(await ask(talking, "x")).toBe("app:x");
  });

  test.each([
    ["127.0.0.1", "TCP4"],
    ["::1", "TCP6"],
  ])("a line of the PROXY protocol says who comes from %s", async (host, family) => {
    await own.serve([await own.startServer((socket) => socket.pipe(socket))], { proxyProtocol: "v1" });
    const socket = await own.connect(host);
    expect(await readNext(socket)).toBe(
      `PROXY ${family} ${host} ${host} ${socket.localPort} ${own.port}\r\n`,
    );
  });

  test("clients speak TLS, and the app does not", async () => {
    const server = await own.startNamed("app");
    const tls = await makeCertificate(own.bench.home);
    const app = makeTcpApp([makeStream({ port: own.port, servers: [server.address], tls })], {
      artifactDir: own.bench.home,
    });
    const { target, copies } = await installTls(app, own.bench.paths.tls, streamOwner);
    expect([...copies.values()]).toEqual(["server.crt", "server.key"]);
    await own.bench.serve([target]);
    const socket = connectTls({
      port: own.port,
      host: "127.0.0.1",
      ca: await readFile(tls.certificate),
      servername: "localhost",
    });
    own.cleanUp(() => socket.destroy());
    await once(socket, "secureConnect");
    expect(socket.authorized).toBe(true);
    expect(await ask(socket, "x")).toBe("app:x");
    expect(await readAll((await own.connect()).end("no TLS\r\n\r\n"))).not.toContain("app");
  });
});

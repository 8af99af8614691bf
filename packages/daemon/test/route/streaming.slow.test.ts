import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { call } from "./call.js";
import { openBench, type NginxBench } from "./real-nginx.js";
import { closeServers, listen, serveHttp, servePort } from "./serve-app.js";

let bench: NginxBench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());
afterEach(closeServers);

describe("long-lived answers", () => {
  test("an event stream arrives event by event", async () => {
    let send: (text: string) => void = () => undefined;
    await serveHttp(bench, (_incoming, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      send = (text) => response.write(text);
      send("data: 1\n\n");
    });
    const outgoing = request({
      port: bench.port,
      host: "127.0.0.1",
      agent: false,
      headers: { host: "shop-local.localhost", accept: "text/event-stream" },
    }).end();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    response.setEncoding("utf8");
    expect((await once(response, "data"))[0]).toBe("data: 1\n\n");
    send("data: 2\n\n");
    expect((await once(response, "data"))[0]).toBe("data: 2\n\n");
    outgoing.destroy();
  });

  test("a chunked answer arrives as it is written", async () => {
    let write: (text: string | null) => void = () => undefined;
    await serveHttp(bench, (_incoming, response) => {
      write = (text) => (text === null ? response.end() : response.write(text));
      write("first\n");
    });
    const outgoing = request({
      port: bench.port,
      host: "127.0.0.1",
      agent: false,
      headers: { host: "shop-local.localhost" },
    }).end();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    response.setEncoding("utf8");
    expect((await once(response, "data"))[0]).toBe("first\n");
    write("second\n");
    expect((await once(response, "data"))[0]).toBe("second\n");
    write(null);
    await once(response, "end");
  });

  test("an answer without a length arrives as it is written when it says so", async () => {
    let write: (text: string) => void = () => undefined;
    const server = createServer();
    server.on("connection", (socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        write = (text) => socket.write(text);
        write("HTTP/1.0 200 OK\r\nX-Accel-Buffering: no\r\n\r\nfirst\n");
      });
    });
    await servePort(bench, await listen(server));
    const client = connect(bench.port, "127.0.0.1");
    client.setEncoding("utf8");
    client.write("GET / HTTP/1.1\r\nHost: shop-local.localhost\r\n\r\n");
    expect(await readUntil(client, "first\n")).not.toContain("X-Accel-Buffering");
    write("second\n");
    await readUntil(client, "second\n");
    client.destroy();
  });

  test("a WebSocket is upgraded and carries bytes both ways", async () => {
    const server = createServer();
    server.on("upgrade", (incoming, socket) => {
      socket.on("error", () => undefined);
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${incoming.headers.upgrade}\r\nConnection: Upgrade\r\n\r\n`,
      );
      socket.pipe(socket);
    });
    const port = await listen(server);
    await servePort(bench, port);
    const client = connect(bench.port, "127.0.0.1");
    client.setEncoding("utf8");
    client.write(
      "GET /chat HTTP/1.1\r\nHost: shop-local.localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    expect(String((await once(client, "data"))[0])).toMatch(/^HTTP\/1\.1 101 /);
    for (const text of ["hello", "again"]) {
      client.write(text);
      expect((await once(client, "data"))[0]).toBe(text);
    }
    client.destroy();
  });

  test("an offer of h2c is not passed on", async () => {
    let upgrade: string | undefined = "none seen";
    await serveHttp(bench, (incoming, response) => {
      upgrade = incoming.headers.upgrade;
      response.end("plain");
    });
    const answer = await call(bench.port, {
      headers: { upgrade: "h2c", connection: "Upgrade, HTTP2-Settings" },
    });
    expect(answer).toMatchObject({ status: 200, body: "plain" });
    expect(upgrade).toBeUndefined();
  });
});

/** What came up to and with `end`. */
async function readUntil(socket: Socket, end: string): Promise<string> {
  let text = "";
  while (!text.includes(end)) text += String((await once(socket, "data"))[0]);
  return text;
}

import { Agent, createServer, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { call } from "./call.js";
import { openBench, type NginxBench } from "./real-nginx.js";
import { closeServers, listen, serveHttp, servePort, serveTcp } from "./serve-app.js";
import { makeTarget } from "./targets.js";

let bench: NginxBench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());
afterEach(closeServers);

/** Like the smallest program in a textbook: reads once, knows one request line, answers, closes. */
function answerNaively(socket: Socket): void {
  socket.once("data", (head) => {
    const isKnown = head.subarray(0, 1024).toString().startsWith("GET / HTTP/1.1\r\n");
    socket.end(isKnown ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" : "");
  });
}

describe("a server that closes after each answer without saying so", () => {
  test("serves any number of requests over kept client connections", async () => {
    await serveTcp(bench, answerNaively);
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    try {
      const answers = await Promise.all(Array.from({ length: 400 }, () => call(bench.port, { agent })));
      expect(new Set(answers.map((answer) => `${answer.status} ${answer.body}`))).toEqual(
        new Set(["200 hello"]),
      );
    } finally {
      agent.destroy();
    }
  });

  test("an empty reply is 502 with a page that says what to do", async () => {
    await serveTcp(bench, answerNaively);
    const plain = await call(bench.port, { path: "/other" });
    expect(plain).toMatchObject({ status: 502, headers: { "content-type": "text/plain; charset=utf-8" } });
    expect(plain.body).toContain("`bloom logs`");
    const page = await call(bench.port, { path: "/other", headers: { accept: "text/html,*/*" } });
    expect(page).toMatchObject({ status: 502, headers: { "content-type": "text/html; charset=utf-8" } });
    expect(page.body).toContain("<code>bloom logs</code>");
  });

  test("a request head beyond what it reads, and the reset that follows, still give the whole answer", async () => {
    await serveTcp(bench, answerNaively);
    for (let round = 0; round < 50; round++) {
      const answer = await call(bench.port, { headers: { "x-long": "y".repeat(6000) } });
      expect(answer).toMatchObject({ status: 200, body: "hello" });
    }
  });

  test("a request that may have arrived is not sent twice", async () => {
    let posts = 0;
    await serveTcp(bench, (socket) => {
      socket.once("data", () => {
        posts++;
        socket.destroy();
      });
    });
    expect((await call(bench.port, { method: "POST", body: "x" })).status).toBe(502);
    expect(posts).toBe(1);
  });
});

describe("an ordinary server", () => {
  test("gets requests that nginx never repeats on a connection of their own", async () => {
    const seen: { method: string; connection: string | undefined; socket: unknown }[] = [];
    await serveHttp(bench, (incoming, response) => {
      seen.push({
        method: incoming.method ?? "",
        connection: incoming.headers.connection,
        socket: incoming.socket,
      });
      response.end("ok");
    });
    for (const method of ["GET", "POST", "GET", "PATCH", "PUT"]) await call(bench.port, { method });
    const alone = seen.filter(({ method }) => method === "POST" || method === "PATCH");
    expect(alone.map(({ connection }) => connection)).toEqual(["close", "close"]);
    for (const one of alone) expect(seen.filter(({ socket }) => socket === one.socket)).toEqual([one]);
    for (const one of seen) if (!alone.includes(one)) expect(one.connection).toBeUndefined();
  });

  test("learns who asked, and keeps request line and host as they were", async () => {
    let seen: IncomingMessage | undefined;
    await serveHttp(bench, (incoming, response) => {
      seen = incoming;
      response.end();
    });
    await call(bench.port, {
      host: "shop-local.localhost:4680",
      path: "/a%2Fb//c?x=%20&y",
      headers: { "x-forwarded-for": "9.9.9.9", proxy: "http://evil", "x-forwarded-proto": "https" },
    });
    expect(seen?.url).toBe("/a%2Fb//c?x=%20&y");
    expect(seen?.httpVersion).toBe("1.1");
    expect(seen?.headers).toMatchObject({
      host: "shop-local.localhost:4680",
      "x-forwarded-for": "9.9.9.9, 127.0.0.1",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "shop-local.localhost:4680",
      "x-real-ip": "127.0.0.1",
      "x-client-ip": "127.0.0.1",
    });
    expect(seen?.headers).not.toHaveProperty("proxy");
    expect(seen?.headers).not.toHaveProperty("upgrade");
  });

  test.each([404, 418, 419, 500, 502, 503, 504])("keeps its own answer %i", async (status) => {
    await serveHttp(bench, (_incoming, response) =>
      response.writeHead(status, { "x-own": "yes" }).end("mine"),
    );
    expect(await call(bench.port)).toMatchObject({ status, body: "mine", headers: { "x-own": "yes" } });
  });

  test("gets a large body whole", async () => {
    await serveHttp(bench, (incoming, response) => {
      let size = 0;
      incoming.on("data", (chunk: Buffer) => (size += chunk.length));
      incoming.on("end", () => response.end(String(size)));
    });
    expect(await call(bench.port, { method: "POST", body: "x".repeat(20_000_000) })).toMatchObject({
      body: "20000000",
    });
  });

  test("pooled connections are used again, and given up soon", async () => {
    const sockets = new Set<unknown>();
    let open = 0;
    const server = createServer((incoming, response) => {
      sockets.add(incoming.socket);
      response.end("ok");
    });
    server.on("connection", (socket) => {
      open++;
      socket.once("close", () => open--);
    });
    const port = await listen(server);
    await servePort(bench, port);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      for (let round = 0; round < 50; round++) await call(bench.port, { agent });
      expect(sockets.size).toBeLessThan(25);
      const limit = Date.now() + 2000;
      while (open > 0 && Date.now() < limit) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(open).toBe(0);
    } finally {
      agent.destroy();
    }
  });
});

describe("answers of nginx itself", () => {
  test("an unknown host, a stopped app, an app without instances, a dead app", async () => {
    await bench.serve([
      makeTarget({ environmentId: "env-1", hostNames: ["stopped.localhost"], state: "stopped" }),
      makeTarget({ environmentId: "env-2", hostNames: ["new.localhost"], servers: [] }),
      makeTarget({
        environmentId: "env-3",
        hostNames: ["dead.localhost"],
        servers: [{ kind: "tcp", address: "127.0.0.1", port: 1 }],
      }),
      makeTarget({
        environmentId: "env-4",
        hostNames: ["gone.localhost"],
        servers: [{ kind: "unix", path: `${bench.home}/no.sock` }],
      }),
    ]);
    const ask = (host: string) => call(bench.port, { host, method: "POST", body: "x" });
    expect(await ask("nobody.localhost")).toMatchObject({
      status: 404,
      body: expect.stringContaining("No app is served"),
    });
    expect(await ask("stopped.localhost")).toMatchObject({
      status: 503,
      headers: { "retry-after": "5" },
      body: expect.stringContaining("stopped"),
    });
    expect(await ask("new.localhost")).toMatchObject({
      status: 503,
      body: expect.stringContaining("not running yet"),
    });
    expect(await ask("dead.localhost")).toMatchObject({
      status: 502,
      body: expect.stringContaining("did not answer"),
    });
    expect(await ask("gone.localhost")).toMatchObject({ status: 502 });
    expect(
      await call(bench.port, { host: "dead.localhost", headers: { accept: "text/event-stream" } }),
    ).toMatchObject({
      status: 502,
      body: expect.stringContaining("did not answer"),
    });
  });
});

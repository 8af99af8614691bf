import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findModules } from "../../src/route/nginx-modules.js";
import type { FunctionRoute } from "../../src/route/plan-routes.js";
import { call, type Answer, type Call } from "./call.js";
import { nginxBinary, openBench, type NginxBench } from "./real-nginx.js";
import {
  callRaw,
  functionHost as host,
  listenAt,
  makeFunction,
  openInstance,
  type SeenRequest,
} from "./serve-function.js";
import { waitUntil } from "./wait-until.js";

let bench: NginxBench;
let instance: ReturnType<typeof openInstance>;
beforeEach(async () => {
  const { modules } = await findModules(nginxBinary);
  bench = await openBench({ modules });
  instance = openInstance();
  await listenAt(instance.server, join(bench.home, "instance.sock"));
});
afterEach(async () => {
  instance.server.closeAllConnections();
  instance.server.close();
  await bench.close();
});

const serve = (own: Partial<FunctionRoute> = {}): Promise<void> =>
  bench.serve([makeFunction(bench.home, own)]);
const ask = (wish: Call = {}): Promise<Answer> => call(bench.port, { host, ...wish });
const lastSeen = (): SeenRequest | undefined => instance.seen.at(-1);

describe("what reaches the handler", () => {
  test.each(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"])(
    "%s with any path",
    async (method) => {
      await serve();
      const path = "/a/../b//c%2Fd/%7Bx%7D.php?q=1&q=%20#";
      const body = method === "GET" ? "" : "hi";
      const answer = await ask({ method, path, body, headers: { "content-length": String(body.length) } });
      expect(answer).toMatchObject({ status: 200, body: "fine" });
      expect(lastSeen()).toMatchObject({ method, url: path, body });
    },
  );

  test("who it is and which execution this is, and the caller is told", async () => {
    await serve();
    const { headers } = await ask();
    expect(headers["x-ignite-execution-id"]).toMatch(/^x-[0-9a-f]{32}$/);
    expect(lastSeen()?.headers).toMatchObject({
      "x-ignite-execution-id": headers["x-ignite-execution-id"],
      "x-ignite-function-id": "acme/hello",
      "x-ignite-organization-id": "acme",
    });
  });

  test("none of it can be forged", async () => {
    await serve();
    const names = ["execution-id", "function-id", "organization-id", "deadline", "other"];
    const forged = names.flatMap((name) => [
      `x-ignite-${name}: forged`,
      `X-IGNITE-${name.toUpperCase()}: forged`,
      `x_ignite_${name.replace("-", "_")}: forged`,
      `x-ignite_${name}: forged`,
    ]);
    const answer = await callRaw(
      bench,
      [
        "POST /forged HTTP/1.1",
        `Host: ${host}`,
        "Connection: close",
        "Transfer-Encoding: chunked",
        "Trailer: x-ignite-execution-id",
        ...forged,
        "",
        "2\r\nhi\r\n0",
        "x-ignite-execution-id: forged",
        "",
        "",
      ].join("\r\n"),
    );
    expect(answer).toContain("200 OK");
    const seen = lastSeen();
    expect(seen?.body).toBe("hi");
    expect(seen?.trailers).toEqual({});
    expect(JSON.stringify(seen?.rawHeaders.filter((one) => one !== "Trailer"))).not.toContain("forged");
    const ignite = seen?.rawHeaders.filter((name, index) => index % 2 === 0 && /^x.ignite/i.test(name));
    expect(ignite?.toSorted()).toEqual([
      "x-ignite-execution-id",
      "x-ignite-function-id",
      "x-ignite-organization-id",
    ]);
  });

  test("the handler cannot change the id the caller is told", async () => {
    instance.server.removeAllListeners("request");
    instance.server.on("request", (_request, response) => {
      response.setHeader("x-ignite-execution-id", "own").end();
    });
    await serve();
    expect((await ask()).headers["x-ignite-execution-id"]).toMatch(/^x-[0-9a-f]{32}$/);
  });
});

describe("what anyone may call", () => {
  const preflight = {
    origin: "https://shop.example",
    "access-control-request-method": "DELETE",
    "access-control-request-headers": "x-one, content-type",
  };

  test("a browser's question is answered without the handler", async () => {
    await serve();
    const answer = await ask({ method: "OPTIONS", headers: preflight });
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": "https://shop.example",
      "access-control-allow-methods": expect.stringContaining("DELETE"),
      "access-control-allow-headers": "x-one, content-type",
      "access-control-max-age": "7200",
    });
    expect(answer.headers["access-control-allow-credentials"]).toBeUndefined();
    expect(answer.headers["x-ignite-execution-id"]).toBeUndefined();
    expect(instance.seen).toHaveLength(0);
  });

  test("other OPTIONS requests are the handler's", async () => {
    await serve();
    await ask({ method: "OPTIONS", headers: { origin: "https://shop.example" } });
    await ask({ method: "OPTIONS" });
    expect(instance.seen).toHaveLength(2);
  });

  test("answers may be read from anywhere, unless the handler says otherwise", async () => {
    await serve();
    expect((await ask()).headers).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "x-ignite-execution-id",
    });
    instance.server.removeAllListeners("request");
    instance.server.on("request", (_request, response) => {
      response.setHeader("Access-Control-Allow-Origin", "https://one.example").end();
    });
    expect((await ask()).headers["access-control-allow-origin"]).toBe("https://one.example");
  });

  test("its Authorization is the handler's business", async () => {
    await serve();
    await ask({ headers: { authorization: "Basic YTpi" } });
    expect(lastSeen()?.headers.authorization).toBe("Basic YTpi");
  });
});

describe("pages of nginx's own", () => {
  const calls = [
    ["GET", "", {}],
    ["POST", "{}", {}],
    ["POST", "x".repeat(200_000), {}],
    ["GET", "", { accept: "text/event-stream" }],
  ] as const;

  test.each(["an instance that is gone", "no instance"])(
    "it sleeps and nobody is there to wake it: %s",
    async (what) => {
      instance.server.close();
      const servers = what === "no instance" ? { servers: [] } : {};
      await bench.serve([makeFunction(bench.home, {}, servers)]);
      for (const [method, body, headers] of calls) {
        const answer = await ask({ method, body, headers });
        expect(answer.status).toBe(503);
        expect(JSON.parse(answer.body)).toEqual({
          code: "ERR_DAEMON_UNREACHABLE",
          error: expect.stringContaining("does not run at present"),
        });
        expect(answer.headers).toMatchObject({
          "content-type": "application/json",
          "cache-control": "no-store",
          "retry-after": "1",
          "access-control-allow-origin": "*",
          "x-ignite-execution-id": expect.stringMatching(/^x-/),
        });
      }
    },
  );

  test.each(["instance.sock", "hold.sock"])("whoever listens at %s breaks off: 502", async (name) => {
    if (name === "hold.sock") instance.server.close();
    else instance.server.removeAllListeners("request");
    const broken = name === "hold.sock" ? createServer() : instance.server;
    broken.on("request", (request: IncomingMessage) => request.socket.destroy());
    if (name === "hold.sock") await listenAt(broken, join(bench.home, name));
    await serve();
    for (const [method, body] of calls.slice(0, 3)) {
      const answer = await ask({ method, body });
      expect(answer.status).toBe(502);
      expect(JSON.parse(answer.body)).toEqual({
        code: "ERR_FUNCTION_UNREACHABLE",
        error: expect.any(String),
      });
      expect(answer.headers).toMatchObject({
        "content-type": "application/json",
        "retry-after": "1",
        "access-control-allow-origin": "*",
        "x-ignite-execution-id": expect.stringMatching(/^x-/),
      });
    }
    if (name === "hold.sock") broken.close();
  });

  test("a body the platform does not take is refused by its length", async () => {
    await serve();
    const answer = await callRaw(
      bench,
      `POST / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: ${2 ** 30 + 1}\r\n\r\n`,
    );
    expect(answer).toContain("413");
    expect(answer).toContain("ERR_BODY_TOO_LARGE");
    expect(answer).not.toContain("x-ignite-execution-id");
  });

  test("answers of the handler are never replaced", async () => {
    for (const status of [401, 403, 404, 413, 500, 502, 503, 504]) {
      instance.server.removeAllListeners("request");
      instance.server.on("request", (_request, response) => response.writeHead(status).end("own"));
      await serve();
      expect(await ask()).toMatchObject({ status, body: "own" });
    }
  });

  test("a stopped function says so", async () => {
    await bench.serve([makeFunction(bench.home, {}, { state: "stopped" })]);
    const answer = await ask();
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "ERR_APP_STOPPED" });
    expect(answer.headers["retry-after"]).toBe("5");
  });
});

test("each line of the log has its execution, and none when it was not for the function", async () => {
  await serve();
  const { headers } = await ask({ path: "/one" });
  await ask({
    method: "OPTIONS",
    path: "/two",
    headers: { origin: "https://a.example", "access-control-request-method": "POST" },
  });
  let lines: Record<string, unknown>[] = [];
  await waitUntil(async () => {
    const text = await readFile(bench.paths.accessLog, "utf8");
    lines = text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as never]));
    return lines.length === 2;
  });
  const executionOf = (uri: string): unknown => lines.find((line) => line["uri"] === uri)?.["execution"];
  expect(executionOf("/one")).toBe(headers["x-ignite-execution-id"]);
  expect(executionOf("/two")).toBe("");
});

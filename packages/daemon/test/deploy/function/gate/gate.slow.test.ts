import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { functionDefaults, type JsonValue } from "@bloomery/contract";
import { openGate, type Gate } from "../../../../src/deploy/function/gate/open-gate.js";
import { call, type Answer, type Call } from "../../../route/call.js";
import { nginxUser, openBench, type NginxBench } from "../../../route/real-nginx.js";
import { functionHost as host, listenAt, makeFunction, openInstance } from "../../../route/serve-function.js";
import { waitUntil } from "../../../route/wait-until.js";

let bench: NginxBench;
let instance: ReturnType<typeof openInstance>;
let gate: Gate | undefined;
let reply: (response: ServerResponse) => void;

beforeEach(async () => {
  bench = await openBench();
  reply = (response) => sendJson(response, '{"message":"hi"}');
  instance = openInstance((response) => reply(response));
  await listenAt(instance.server, at("instance"));
});
afterEach(async () => {
  await gate?.close();
  gate = undefined;
  instance.server.closeAllConnections();
  instance.server.close();
  await bench.close();
});

const message: JsonValue = {
  type: "object",
  properties: { message: { type: "string" } },
  required: ["message"],
};
const at = (name: string): string => join(bench.home, `${name}.sock`);
const ask = (wish: Call = {}): Promise<Answer> => call(bench.port, { host, method: "POST", ...wish });

function sendJson(response: ServerResponse, body: string): void {
  response.setHeader("content-type", "application/json");
  response.setHeader("content-length", Buffer.byteLength(body));
  response.end(body);
}

async function serve(schemas: {
  inputSchema?: JsonValue;
  outputSchema?: JsonValue;
  maxBodyBytes?: number;
}): Promise<void> {
  const target = makeFunction(bench.home, {
    gate: { socket: at("gate"), answers: schemas.outputSchema !== undefined },
  });
  gate = await openGate(
    { path: at("gate"), owner: nginxUser, log: { error: (fields) => console.error(fields) } },
    { config: { ...functionDefaults, ...schemas }, servers: target.servers, holdSocket: at("hold") },
  );
  await bench.serve([target]);
}

describe("input", () => {
  test("what is as it should be reaches the function as it was sent", async () => {
    await serve({ inputSchema: message });
    const body = ' {"message" : "hi"} ';
    const headers = { "x-own": "1", cookie: "a=b" };
    const answer = await ask({ path: "/a?b=c", body, headers });
    expect(answer).toMatchObject({ status: 200, body: '{"message":"hi"}' });
    expect(instance.seen).toMatchObject([{ method: "POST", url: "/a?b=c", body, headers }]);
    expect(instance.seen[0]?.headers["x-ignite-execution-id"]).toBe(answer.headers["x-ignite-execution-id"]);
  });

  test.each([
    ['{"message":1}', "/message"],
    ["{}", "/message"],
    ["hi", ""],
    ["", ""],
  ])("%s is refused, and the field is named", async (body, pointer) => {
    await serve({ inputSchema: message });
    const answer = await ask({ body });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toEqual({
      code: "ERR_INPUT_INVALID",
      error: expect.any(String),
      pointer,
      details: expect.any(Array),
    });
    expect(answer.headers["x-bloom-turned-away"]).toBeUndefined();
    expect(answer.headers["x-ignite-execution-id"]).toBeUndefined();
    expect(instance.seen).toHaveLength(0);
    const log = await waitForLog(bench.paths.accessLog);
    expect(log).toMatchObject({ status: 400, execution: "" });
  });

  test("a body that is too large to be checked", async () => {
    await serve({ inputSchema: message, maxBodyBytes: 1000 });
    const body = JSON.stringify({ message: "x".repeat(2_000_000) });
    for (const headers of [{ "content-length": String(body.length) }, { "transfer-encoding": "chunked" }]) {
      const answer = await ask({ body, headers });
      expect(answer.status).toBe(413);
      expect(JSON.parse(answer.body)).toMatchObject({ code: "ERR_BODY_TOO_LARGE" });
    }
    expect(instance.seen).toHaveLength(0);
  });

  test("requests without a body to check do not go by the daemon", async () => {
    await serve({ inputSchema: message });
    await gate?.close();
    expect((await ask({ method: "GET" })).status).toBe(200);
    expect((await ask({ method: "DELETE" })).status).toBe(200);
  });

  test("with the daemon dead, nothing passes unchecked", async () => {
    await serve({ inputSchema: message });
    await gate?.close();
    const answer = await ask({ body: '{"message":"hi"}' });
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "ERR_DAEMON_UNREACHABLE" });
    expect(instance.seen).toHaveLength(0);
  });

  test("a sleeping function is woken, once", async () => {
    await serve({ inputSchema: message });
    instance.server.close();
    const hold = openInstance((response) => response.end("woken"));
    await listenAt(hold.server, at("hold"));
    expect(await ask({ body: '{"message":"hi"}' })).toMatchObject({ status: 200, body: "woken" });
    expect(hold.seen).toHaveLength(1);
    hold.server.closeAllConnections();
    hold.server.close();
  });

  test("nobody there, and nobody who wakes it", async () => {
    await serve({ inputSchema: message });
    instance.server.close();
    const answer = await ask({ body: '{"message":"hi"}' });
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "ERR_FUNCTION_UNREACHABLE" });
  });

  test("a function that breaks off is asked once", async () => {
    reply = (response) => void response.socket?.destroy();
    await serve({ inputSchema: message });
    expect((await ask({ body: '{"message":"hi"}' })).status).toBe(502);
    expect(instance.seen).toHaveLength(1);
  });

  test("the next version's schema counts from its first request on", async () => {
    await serve({ inputSchema: message });
    gate?.update({
      config: { ...functionDefaults, inputSchema: { type: "array" } },
      servers: [{ kind: "unix", path: at("instance") }],
      holdSocket: at("hold"),
    });
    expect((await ask({ body: '{"message":"hi"}' })).status).toBe(400);
    expect((await ask({ body: "[]" })).status).toBe(200);
  });
});

describe("output", () => {
  test("what is as it should be", async () => {
    await serve({ outputSchema: message });
    reply = (response) => {
      response.statusCode = 201;
      response.setHeader("set-cookie", ["a=1", "b=2"]);
      sendJson(response, '{"message":"hi"}');
    };
    const answer = await ask({ body: "anything" });
    expect(answer).toMatchObject({ status: 201, body: '{"message":"hi"}' });
    expect(answer.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(instance.seen[0]?.body).toBe("anything");
  });

  test.each([
    ['{"message":1}', "/message"],
    ["hi", ""],
  ])("an answer %s is the function's fault", async (body, pointer) => {
    await serve({ outputSchema: message });
    reply = (response) => sendJson(response, body);
    const answer = await ask({ method: "GET" });
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "ERR_OUTPUT_INVALID", pointer });
    expect(answer.headers["x-ignite-execution-id"]).toMatch(/^x-/);
  });

  test("errors, streams and answers without a body are not checked", async () => {
    await serve({ outputSchema: message });
    reply = (response) => response.writeHead(500, { "content-length": 3 }).end("bad");
    expect(await ask()).toMatchObject({ status: 500, body: "bad" });
    reply = (response) => response.writeHead(204).end();
    expect((await ask()).status).toBe(204);
    reply = (response) => {
      response.setHeader("x-accel-buffering", "no");
      response.write("piece ");
      response.end("by piece");
    };
    expect(await ask()).toMatchObject({ status: 200, body: "piece by piece" });
    reply = (response) => sendJson(response, "none of it");
    expect((await ask({ method: "HEAD" })).status).toBe(200);
  });

  test("one that is too large to be checked, and one that breaks off", async () => {
    await serve({ outputSchema: message, maxBodyBytes: 1000 });
    reply = (response) => sendJson(response, `{"message":"${"x".repeat(1000)}"}`);
    expect(JSON.parse((await ask()).body)).toMatchObject({ code: "ERR_OUTPUT_INVALID" });
    reply = (response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("{", () => response.socket?.destroy());
    };
    expect(JSON.parse((await ask()).body)).toMatchObject({ code: "ERR_FUNCTION_UNREACHABLE" });
  });
});

async function waitForLog(file: string): Promise<unknown> {
  let line = "";
  await waitUntil(async () => {
    line = (await readFile(file, "utf8")).split("\n").at(-2) ?? "";
    return line !== "";
  });
  return JSON.parse(line);
}

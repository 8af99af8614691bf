import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBench, type NginxBench } from "./real-nginx.js";
import { callRaw, functionHost as host, listenAt, makeFunction, openInstance } from "./serve-function.js";

let bench: NginxBench;
let instance: ReturnType<typeof openInstance>;
beforeEach(async () => {
  bench = await openBench();
  instance = openInstance();
  await listenAt(instance.server, join(bench.home, "instance.sock"));
});
afterEach(async () => {
  instance.server.closeAllConnections();
  instance.server.close();
  await bench.close();
});

const serve = (): Promise<void> => bench.serve([makeFunction(bench.home)]);

const long = "x".repeat(40_000);
test.each([
  ["a length that is none", 400, "GET / HTTP/1.1", [`Host: ${host}`, "Content-Length: many"]],
  ["two hosts", 400, "GET / HTTP/1.1", [`Host: ${host}`, "Host: two"]],
  ["a long header", 400, "GET / HTTP/1.1", [`Host: ${host}`, `x-long: ${long}`]],
  ["no host", 400, "GET / HTTP/1.1", []],
  ["no version", 400, "GET nowhere", [`Host: ${host}`]],
  ["TRACE", 405, "TRACE / HTTP/1.1", [`Host: ${host}`]],
  ["a long path", 414, `GET /${long} HTTP/1.1`, [`Host: ${host}`]],
  ["an unknown encoding", 501, "POST / HTTP/1.1", [`Host: ${host}`, "Transfer-Encoding: gzip"]],
  ["an unknown version", 505, "GET / HTTP/3.1", [`Host: ${host}`]],
])("what nginx cannot read is answered as JSON: %s, %s", async (_what, status, first, headers) => {
  for (const wish of [{}, { state: "stopped" }] as const) {
    await bench.serve([makeFunction(bench.home, {}, wish)]);
    const answer = await callRaw(bench, [first, "Connection: close", ...headers, "", ""].join("\r\n"));
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head).toMatch(/^content-type: application\/json\r?$/im);
    expect(JSON.parse(body)).toEqual({ code: "ERR_INVALID_ARGUMENT", error: expect.any(String) });
  }
  expect(instance.seen).toEqual([]);
});

test.each(["x", "x".repeat(200_000)])("so is a body that is cut wrong (%.3s)", async (body) => {
  await serve();
  const head = ["POST / HTTP/1.1", `Host: ${host}`, "Transfer-Encoding: chunked", "Connection: close"];
  const answer = await callRaw(bench, [...head, "", body.length.toString(16), body, "none", ""].join("\r\n"));
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toContain('"code":"ERR_INVALID_ARGUMENT"');
  expect(answer).not.toContain("<html>");
});

test("where it ends is nobody's to ask for", async () => {
  await serve();
  for (const path of [
    "/../bloom:unread",
    "/%2e%2e/bloom:unread",
    "/a/..%2f../bloom:unread",
    "/./bloom:unread",
  ]) {
    const answer = await callRaw(bench, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    // Above the root there is nothing; the rest is the handler's.
    expect(answer).toMatch(/^HTTP\/1\.1 (?:400|200) /);
  }
});

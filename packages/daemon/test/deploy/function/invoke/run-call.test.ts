import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { collect, setUp } from "./call-harness.js";
import { readBody } from "./fake-function.js";

test("method, path, query, headers and payload reach the function, and the ids are ours", async () => {
  const seen: unknown[] = [];
  const setup = await setUp(
    async (request, response) => {
      seen.push(request.method, request.url, request.headers, (await readBody(request)).toString());
      response.writeHead(201, { "x-answer": ["a", "b"], "content-type": "text/plain" }).end("made");
    },
    { startUs: 4200 },
  );
  const headers = {
    "X-Own": "1",
    "X-Ignite-Execution-Id": "forged",
    "x-ignite-function-id": "forged",
    "x-ignite-anything": "forged",
    Connection: "x-hop",
    "x-hop": "2",
    "Transfer-Encoding": "chunked",
  };
  const { head, text, trailer, all } = await collect(
    setup.call({ method: "PATCH", path: "/a/%20b", query: "c=d&e=%26", headers }, '{"a":1}'),
  );
  expect(seen).toEqual([
    "PATCH",
    "/a/%20b?c=d&e=%26",
    {
      host: "localhost",
      connection: "close",
      "content-length": "7",
      "x-own": "1",
      "x-ignite-execution-id": "x-1",
      "x-ignite-function-id": "acme/hello",
      "x-ignite-organization-id": "acme",
    },
    '{"a":1}',
  ]);
  expect(all).toHaveLength(3);
  expect(head).toMatchObject({
    executionId: "x-1",
    version: 3,
    status: 201,
    headers: { "x-answer": "a, b" },
  });
  expect(head?.headers).not.toHaveProperty("connection");
  expect(text).toBe("made");
  expect(trailer).toMatchObject({ status: "EXECUTION_STATUS_SUCCEEDED", bytes: 4 });
  expect(setup.ends).toMatchObject([
    {
      state: "succeeded",
      version: 3,
      httpStatus: 201,
      cold: true,
      startUs: 4200,
      responseBytes: 4,
      error: null,
    },
  ]);
  expect(setup.done()).toBe(1);
});

test("a 4xx is the function's own answer; a 500 says what failed", async () => {
  const setup = await setUp((request, response) => {
    if (request.url === "/missing") response.writeHead(404).end("no such thing");
    else response.writeHead(500).end(JSON.stringify({ error: "no tea left" }));
  });
  expect((await collect(setup.call({ path: "/missing" }))).trailer?.status).toBe(
    "EXECUTION_STATUS_SUCCEEDED",
  );
  const { head, trailer } = await collect(setup.call());
  expect([head?.status, trailer]).toMatchObject([
    500,
    { status: "EXECUTION_STATUS_FAILED", error: "no tea left" },
  ]);
});

test("an answer of 50 MB waits for a slow reader, in the function and not in the daemon", async () => {
  const size = 50 * 1024 ** 2;
  let response: ServerResponse | undefined;
  const setup = await setUp((_request, answer) => {
    response = answer;
    const piece = Buffer.alloc(256 * 1024, 7);
    let left = size;
    const write = (): void => {
      while (left > 0) {
        left -= piece.length;
        if (!answer.write(piece)) return void answer.once("drain", write);
      }
      answer.end();
    };
    write();
  });
  const frames = setup.call();
  await frames.next();
  let read = 0;
  let most = 0;
  for await (const frame of frames) {
    if ("chunk" in frame) read += frame.chunk.data.length;
    await new Promise((resolve) => setImmediate(resolve));
    // What has left the function but was not taken: buffers of sockets and one stream, never the answer.
    most = Math.max(most, (response?.socket?.bytesWritten ?? 0) - (response?.writableLength ?? 0) - read);
  }
  expect(read).toBe(size);
  expect(most).toBeLessThan(2 * 1024 ** 2);
  console.log(`at most ${Math.round(most / 1024)} KiB under way`);
});

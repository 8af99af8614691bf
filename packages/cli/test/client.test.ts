import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClient } from "../src/client.js";

let root: string;
const servers: Server[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "bloom-client-"));
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await rm(root, { recursive: true });
});

/** A server with one answer to everything; its address in the CLI's form. */
async function serve(listener: RequestListener, socket?: string): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => {
    if (socket === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(socket, resolve);
  });
  if (socket !== undefined) return `unix:${socket}`;
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function ask(api: string): Promise<unknown> {
  const client = createClient({ api, token: "t" });
  try {
    return await client.call("getHealth", {});
  } finally {
    await client.close();
  }
}

test("a unix socket is spoken to like a port", async () => {
  const seen: (string | undefined)[] = [];
  const api = await serve(
    (request, response) => {
      seen.push(request.url, request.headers.authorization);
      response.end('{"ok":true,"version":"1"}');
    },
    join(root, "api.sock"),
  );
  expect(await ask(api)).toEqual({ ok: true, version: "1" });
  expect(seen).toEqual(["/v1/health", "Bearer t"]);
});

describe("what is not a daemon is not taken for one", () => {
  test("a missing socket", async () => {
    await expect(ask(`unix:${root}/none.sock`)).rejects.toMatchObject({ code: "ERR_DAEMON_UNREACHABLE" });
  });

  test.each([
    ["a page", 200, "<html></html>"],
    ["a refusal without words", 502, "bad gateway"],
    ["JSON of another kind of server", 404, '{"message":"no such page"}'],
  ])("%s", async (_what, status, text) => {
    const api = await serve((_request, response) => response.writeHead(status).end(text));
    await expect(ask(api)).rejects.toMatchObject({
      code: "ERR_DAEMON_UNREACHABLE",
      message: expect.stringContaining(api) as string,
    });
  });

  test("an answer of another release names the place that differs", async () => {
    const api = await serve((_request, response) => response.end('{"ok":true,"version":7}'));
    await expect(ask(api)).rejects.toMatchObject({
      code: "ERR_INTERNAL",
      message: expect.stringMatching(/getHealth.*version/) as string,
    });
  });
});

test("parts of a path are escaped", async () => {
  const seen: (string | undefined)[] = [];
  const api = await serve((request, response) => {
    seen.push(request.url);
    response.end('{"ok":true}');
  });
  const client = createClient({ api, token: undefined });
  await client.call("deleteToken", { params: { token: "../../v1/shutdown?x=1" } });
  await client.close();
  expect(seen).toEqual(["/v1/tokens/..%2F..%2Fv1%2Fshutdown%3Fx%3D1"]);
});

test("a line that is cut in pieces, within a letter, is put together", async () => {
  const line = Buffer.from('{"time":"t","text":"größe"}\n');
  const api = await serve((_request, response) => {
    const cut = line.indexOf(0xc3) + 1;
    response.write(line.subarray(0, cut), () => setImmediate(() => response.end(line.subarray(cut))));
  });
  const client = createClient({ api, token: undefined });
  const texts: string[] = [];
  for await (const one of client.stream("readActivityLog", { params: { activity: "a" } }))
    texts.push(one.text);
  await client.close();
  expect(texts).toEqual(["größe"]);
});

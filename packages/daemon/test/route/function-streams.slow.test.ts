import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import {
  createServer,
  request,
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call } from "./call.js";
import { openBench, type NginxBench } from "./real-nginx.js";
import { functionHost as host, listenAt, makeFunction } from "./serve-function.js";

let bench: NginxBench;
const closers: (() => void)[] = [];
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await bench.close();
});

/** An instance, or whoever takes requests while there is none. */
async function open(
  name: "instance" | "hold",
  handler: (incoming: IncomingMessage, response: ServerResponse) => void,
): Promise<ReturnType<typeof createServer>> {
  const server = createServer(handler);
  await listenAt(server, join(bench.home, `${name}.sock`));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

function begin(headers: Record<string, string> = {}): ClientRequest {
  return request({ host: "127.0.0.1", port: bench.port, method: "POST", headers: { host, ...headers } });
}

async function nextText(stream: NodeJS.ReadableStream): Promise<string> {
  const [chunk] = (await once(stream, "data")) as [Buffer];
  return chunk.toString();
}

test("both sides may talk while the other one does", async () => {
  await open("instance", (incoming, response) => {
    response.setHeader("x-accel-buffering", "no");
    incoming.on("data", (chunk: Buffer) => response.write(`heard ${chunk.toString()}`));
    incoming.once("end", () => response.end("bye"));
  });
  await bench.serve([makeFunction(bench.home)]);
  const outgoing = begin();
  outgoing.write("one");
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  expect(await nextText(answer)).toBe("heard one");
  outgoing.write("two");
  expect(await nextText(answer)).toBe("heard two");
  outgoing.end();
  expect(await nextText(answer)).toBe("bye");
});

test("server-sent events arrive one by one, also for a POST", async () => {
  let say: ((text: string) => void) | undefined;
  await open("instance", (_incoming, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    say = (text) => response.write(text);
    say("data: 1\n\n");
  });
  await bench.serve([makeFunction(bench.home)]);
  const outgoing = begin({ accept: "text/event-stream" });
  outgoing.end("{}");
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  expect(await nextText(answer)).toBe("data: 1\n\n");
  say?.("data: 2\n\n");
  expect(await nextText(answer)).toBe("data: 2\n\n");
  outgoing.destroy();
});

test("connections are upgraded", async () => {
  const server = await open("instance", (_incoming, response) => response.end());
  server.on("upgrade", (_incoming, socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
    socket.pipe(socket);
  });
  await bench.serve([makeFunction(bench.home)]);
  const socket = connect(bench.port, "127.0.0.1");
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n`);
  expect(await nextText(socket)).toContain("101 Switching Protocols");
  socket.write("over");
  expect(await nextText(socket)).toBe("over");
  socket.destroy();
});

test("a large body costs nginx neither memory nor disk", async () => {
  await bench.serve([makeFunction(bench.home)]);
  const master = (await bench.nginx.pid()) ?? 0;
  const openFiles = (): string[] =>
    childrenOf(master).flatMap((pid) => filesOf(pid).filter((file) => file.startsWith(bench.paths.temp)));
  let received = 0;
  const stored = new Set<string>();
  await open("instance", (incoming, response) => {
    incoming.on("data", (chunk: Buffer) => {
      received += chunk.length;
      if (received % (20 * 2 ** 20) < chunk.length) openFiles().forEach((file) => stored.add(file));
    });
    incoming.once("end", () => response.end("all of it"));
  });
  const size = 200 * 2 ** 20;
  const outgoing = begin({ "content-length": String(size) });
  const piece = Buffer.alloc(2 ** 20);
  for (let sent = 0; sent < size; sent += piece.length) {
    if (!outgoing.write(piece)) await once(outgoing, "drain");
  }
  outgoing.end();
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  expect(await nextText(answer)).toBe("all of it");
  expect(received).toBe(size);
  expect([...stored]).toEqual([]);
  const peaks = childrenOf(master).map(peakMemory);
  expect(peaks.length).toBeGreaterThan(0);
  for (const peak of peaks) expect(peak).toBeLessThan(64 * 2 ** 20);
}, 60_000);

test.each([
  ["a length", "Content-Length: 300000\r\n\r\nbegin"],
  ["chunks", "Transfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n"],
])("a body with %s that is cut off is seen as cut off", async (_what, rest) => {
  let begun: () => void = () => undefined;
  const started = new Promise<void>((resolve) => (begun = resolve));
  const ended = new Promise<string>((resolve) => {
    void open("instance", (incoming) => {
      incoming.once("data", () => begun());
      incoming.once("end", () => resolve("whole"));
      incoming.once("error", () => resolve("cut off"));
    });
  });
  await bench.serve([makeFunction(bench.home)]);
  const socket = connect(bench.port, "127.0.0.1");
  socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\n${rest}`);
  await started;
  socket.destroy();
  expect(await ended).toBe("cut off");
});

test("a short body that is cut off never reaches the function", async () => {
  let asked = 0;
  await open("instance", (_incoming, response) => {
    asked++;
    response.end();
  });
  await bench.serve([makeFunction(bench.home)]);
  const socket = connect(bench.port, "127.0.0.1");
  socket.end(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n\r\nbegin`);
  socket.resume();
  await once(socket, "close");
  expect((await call(bench.port, { host })).status).toBe(200);
  expect(asked).toBe(1);
});

test.each(["x", "x".repeat(200_000)])("a POST that broke off is sent to nobody else", async (body) => {
  let asked = 0;
  let held = 0;
  await open("instance", (incoming) => {
    asked++;
    incoming.resume().once("end", () => incoming.socket.destroy());
  });
  await open("hold", (_incoming, response) => {
    held++;
    response.end();
  });
  await bench.serve([makeFunction(bench.home)]);
  const answer = await call(bench.port, { host, method: "POST", body });
  expect(answer.status).toBe(502);
  expect(JSON.parse(answer.body)).toMatchObject({ code: "ERR_FUNCTION_UNREACHABLE" });
  expect([asked, held]).toEqual([1, 0]);
});

test("a function that never answers is given up after its time and a little", async () => {
  let gone: () => void = () => undefined;
  const left = new Promise<void>((resolve) => (gone = resolve));
  await open("instance", (incoming) => void incoming.socket.once("close", () => gone()));
  const one = makeFunction(bench.home);
  const timeouts = { ...one.timeouts, streamSeconds: 1 };
  // Without a limit of its own, the time between two bytes counts.
  await bench.serve([makeFunction(bench.home, { timeoutSeconds: 0 }, { timeouts })]);
  const answer = await call(bench.port, { host, method: "POST", body: "{}" });
  expect(answer.status).toBe(504);
  expect(JSON.parse(answer.body)).toMatchObject({ code: "ERR_DEADLINE" });
  await left;
});

function filesOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

function peakMemory(pid: number): number {
  const kib = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) * 1024;
}

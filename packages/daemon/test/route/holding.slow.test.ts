import { chmod, rm } from "node:fs/promises";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { completeLocation } from "@bloomery/contract";
import { call } from "./call.js";
import { openBench, type NginxBench } from "./real-nginx.js";
import { closeServers, listen } from "./serve-app.js";
import { makeTarget } from "./targets.js";

let bench: NginxBench;
let holdSocket: string;
beforeEach(async () => {
  bench = await openBench();
  holdSocket = join(bench.home, "hold.sock");
});
afterEach(async () => {
  closeServers();
  await bench.close();
});

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly body: string;
}

/** Tells what has arrived, whole or in part. */
function openRecorder(answer: "fine" | "hang up"): { server: Server; seen: Seen[] } {
  const seen: Seen[] = [];
  const server = createServer((incoming: IncomingMessage, response) => {
    let body = "";
    incoming.setEncoding("utf8");
    incoming.on("data", (chunk: string) => (body += chunk));
    incoming.once("end", () => {
      seen.push({ method: incoming.method, url: incoming.url, body });
      if (answer === "fine") response.end("held");
      else incoming.socket.destroy();
    });
  });
  return { server, seen };
}

async function hold(server: Server): Promise<void> {
  server.listen(holdSocket);
  await once(server, "listening");
  await chmod(holdSocket, 0o777);
}

const nobody = [{ kind: "unix", path: "/nonexistent/app.sock" } as const];

describe("while no server takes requests", () => {
  test.each(["GET", "POST", "PUT", "PATCH"])("%s goes to the holder, once and whole", async (method) => {
    const { server, seen } = openRecorder("fine");
    await hold(server);
    await bench.serve([makeTarget({ servers: nobody, holdSocket })]);
    const body = method === "GET" ? "" : "x".repeat(300_000);
    const answer = await call(bench.port, { method, path: "/a?b", body });
    server.close();
    expect(answer).toMatchObject({ status: 200, body: "held" });
    expect(seen).toEqual([{ method, url: "/a?b", body }]);
  });

  test("a body that is not collected first goes there whole, too", async () => {
    const { server, seen } = openRecorder("fine");
    await hold(server);
    const requestBuffering = { enabled: false, maxBodyBytes: 1_000_000 };
    const locations = { "/": completeLocation({ requestBuffering }) };
    await bench.serve([makeTarget({ servers: nobody, holdSocket, locations })]);
    const body = "y".repeat(300_000);
    expect((await call(bench.port, { method: "POST", body })).status).toBe(200);
    server.close();
    expect(seen.map((one) => one.body.length)).toEqual([body.length]);
  });

  test("without a holder the page comes at once", async () => {
    await bench.serve([makeTarget({ servers: nobody, holdSocket })]);
    const begin = performance.now();
    const answer = await call(bench.port, { method: "POST", body: "x" });
    expect(answer).toMatchObject({ status: 502, body: expect.stringContaining("did not answer") });
    expect(performance.now() - begin).toBeLessThan(1000);
  });

  test("a refused loopback port is as good as a missing socket", async () => {
    const { server, seen } = openRecorder("fine");
    await hold(server);
    const free = createServer();
    const port = await listen(free);
    free.close();
    await once(free, "close");
    await bench.serve([makeTarget({ servers: [{ kind: "tcp", address: "127.0.0.1", port }], holdSocket })]);
    expect((await call(bench.port, { method: "POST", body: "x" })).body).toBe("held");
    server.close();
    expect(seen).toHaveLength(1);
  });
});

describe("while a server takes requests", () => {
  test("a POST it has seen is not sent to the holder", async () => {
    const app = openRecorder("hang up");
    const port = await listen(app.server);
    const holder = openRecorder("fine");
    await hold(holder.server);
    await bench.serve([makeTarget({ servers: [{ kind: "tcp", address: "127.0.0.1", port }], holdSocket })]);
    expect((await call(bench.port, { method: "POST", body: "x" })).status).toBe(502);
    holder.server.close();
    expect(app.seen).toHaveLength(1);
    expect(holder.seen).toHaveLength(0);
  });

  test("a slow answer is 504 and is asked for once", async () => {
    let asked = 0;
    const port = await listen(createServer(() => void asked++));
    const holder = openRecorder("fine");
    await hold(holder.server);
    const timeouts = { connectSeconds: 1, readSeconds: 1, sendSeconds: 1, streamSeconds: 60 };
    const servers = [{ kind: "tcp", address: "127.0.0.1", port } as const];
    await bench.serve([makeTarget({ servers, holdSocket, timeouts })]);
    expect(await call(bench.port)).toMatchObject({ status: 504, body: expect.stringContaining("too long") });
    holder.server.close();
    expect(asked).toBe(1);
    expect(holder.seen).toHaveLength(0);
    await rm(holdSocket, { force: true });
  });
});

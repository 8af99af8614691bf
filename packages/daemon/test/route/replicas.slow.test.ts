import { chmod, readFile } from "node:fs/promises";
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { call, type Call } from "./call.js";
import { openBench, type NginxBench } from "./real-nginx.js";
import { closeServers, listen } from "./serve-app.js";
import { makeTarget } from "./targets.js";

let bench: NginxBench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  closeServers();
  await bench.close();
});

/** A replica that notes what reaches it; `/break` makes it hang up without an answer. */
interface Replica {
  readonly port: number;
  readonly seen: string[];
  /** From now on connects to it are refused. */
  close(): Promise<void>;
}

async function open(name: string): Promise<Replica> {
  const seen: string[] = [];
  const server = createServer((incoming, response) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    incoming.resume().once("end", () => {
      if (incoming.url === "/break") incoming.socket.destroy();
      else response.end(name);
    });
  });
  const port = await listen(server);
  return { port, seen, close: () => shut(server) };
}

async function shut(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
}

async function serveThree(holdSocket: string | null = null): Promise<readonly [Replica, Replica, Replica]> {
  const replicas = [await open("a"), await open("b"), await open("c")] as const;
  const servers = replicas.map(({ port }) => ({ kind: "tcp", address: "127.0.0.1", port }) as const);
  await bench.serve([makeTarget({ servers, holdSocket })]);
  return replicas;
}

async function askTimes(times: number, wish: (index: number) => Call): Promise<string[]> {
  const answers: string[] = [];
  for (let index = 0; index < times; index++) {
    const { status, body } = await call(bench.port, wish(index));
    answers.push(status === 200 ? body : String(status));
  }
  return answers;
}

const shareOf = (answers: readonly string[], name: string): number =>
  answers.filter((one) => one === name).length / answers.length;

describe("among replicas that run", () => {
  test.each([
    ["one client that keeps its connection", 1, "GET"],
    ["one client's POSTs", 1, "POST"],
    ["many clients", 12, "GET"],
  ])("requests of %s reach all of them alike", async (_who, clients, method) => {
    await serveThree();
    const agent = new Agent({ keepAlive: true, maxSockets: clients });
    try {
      const rounds = await Promise.all(
        Array.from({ length: clients }, () => askTimes(180 / clients, () => ({ agent, method }))),
      );
      for (const name of ["a", "b", "c"]) {
        expect(shareOf(rounds.flat(), name)).toBeGreaterThan(0.25);
        expect(shareOf(rounds.flat(), name)).toBeLessThan(0.42);
      }
    } finally {
      agent.destroy();
    }
  });

  test("one that is slow gets less to do", async () => {
    const quick = await open("quick");
    const slow = createServer((_incoming, response) => void setTimeout(() => response.end("slow"), 300));
    const ports = [quick.port, await listen(slow)];
    const servers = ports.map((port) => ({ kind: "tcp", address: "127.0.0.1", port }) as const);
    await bench.serve([makeTarget({ servers })]);
    const clients = Array.from({ length: 8 }, () => askTimes(25, () => ({})));
    // Half of what would be its share, if nobody looked.
    expect(shareOf((await Promise.all(clients)).flat(), "slow")).toBeLessThan(0.25);
  });
});

describe("when one of them is gone", () => {
  test("requests of every method are served by the others, and few of them notice", async () => {
    const [gone] = await serveThree();
    await gone.close();
    const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    const answers = await askTimes(240, (index) => ({ method: methods[index % 6] ?? "GET", body: "x" }));
    expect(new Set(answers)).toEqual(new Set(["b", "c"]));
    const log = await readFile(bench.paths.errorLog, "utf8");
    const refused = log.split("\n").filter((line) => line.includes("Connection refused")).length;
    // Of each worker, one of each way that has to do with it; one more when a second has passed meanwhile.
    expect(refused).toBeLessThan(12);
  });

  test("it is asked again soon after it is back", async () => {
    const [gone] = await serveThree();
    await gone.close();
    await askTimes(20, () => ({}));
    const back = createServer((_incoming: IncomingMessage, response) => void response.end("a"));
    back.listen(gone.port, "127.0.0.1");
    await once(back, "listening");
    try {
      await expect.poll(() => askTimes(6, () => ({})), { timeout: 4000 }).toContain("a");
    } finally {
      await shut(back);
    }
  });
});

describe("a request that an app breaks off", () => {
  test.each([
    ["GET", 3],
    ["PUT", 3],
    ["DELETE", 3],
    ["POST", 1],
    ["PATCH", 1],
  ])("%s reaches %i of three", async (method, times) => {
    const replicas = await serveThree();
    expect((await call(bench.port, { method, path: "/break", body: "x" })).status).toBe(502);
    expect(replicas.flatMap(({ seen }) => seen)).toHaveLength(times);
  });

  test("leaves all of them serving, whatever the method", async () => {
    await serveThree();
    for (let round = 0; round < 5; round++) {
      await askTimes(6, () => ({ path: "/break" }));
      const answers = await askTimes(6, (index) => ({ method: index % 2 === 0 ? "GET" : "POST", body: "x" }));
      expect(answers.every((one) => ["a", "b", "c"].includes(one))).toBe(true);
    }
  });
});

describe("when all of them are gone", () => {
  test.each(["GET", "POST"])("%s waits, and is sent once", async (method) => {
    const seen: string[] = [];
    const holder = createServer((incoming, response) => {
      seen.push(incoming.method ?? "");
      response.end("held");
    });
    const holdSocket = join(bench.home, "hold.sock");
    holder.listen(holdSocket);
    await once(holder, "listening");
    await chmod(holdSocket, 0o777);
    const replicas = await serveThree(holdSocket);
    for (const replica of replicas) await replica.close();
    const answers = await askTimes(3, () => ({ method, body: method === "POST" ? "x" : "" }));
    await shut(holder);
    expect(answers).toEqual(["held", "held", "held"]);
    expect(seen).toHaveLength(3);
  });

  test("without anybody to wait with, the page comes at once, and the first that is back answers", async () => {
    const replicas = await serveThree();
    for (const replica of replicas) await replica.close();
    expect(await askTimes(4, () => ({ method: "POST", body: "x" }))).toEqual(["502", "502", "502", "502"]);
    const back = createServer((_incoming: IncomingMessage, response) => void response.end("b"));
    back.listen(replicas[1].port, "127.0.0.1");
    await once(back, "listening");
    expect((back.address() as AddressInfo).port).toBe(replicas[1].port);
    expect(await askTimes(4, () => ({ method: "POST", body: "x" }))).toEqual(["b", "b", "b", "b"]);
    await shut(back);
  });
});

import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { json } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import { BloomError, type ConnectionList, type ConnectOutput, type ErrorDocument } from "@bloomery/contract";
import type { Reach } from "../../src/deploy/reach.js";
import type { ConnectionFacts } from "../../src/observe/connections/open-connections.js";
import { beginRequest, openInsideBench, type InsideBench } from "./inside-bench.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A real TCP server; every connection to it is kept. */
async function startApp(serve: (socket: Socket) => void): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on("error", () => undefined));
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, sockets };
}

/** The machine may be busy. */
const patience = { timeout: 15_000 };
const echo = (socket: Socket): unknown => socket.pipe(socket);

interface Bench extends InsideBench {
  readonly dialled: { environmentId: string; port: number }[];
  /** Peers of the connections under way, as they were told. */
  readonly entered: Set<string>;
}

/** An app of one tcp port that is really served by this server. */
async function open(
  appPort: number,
  config: object = { tcp: { ports: [{ port: 9000, targetPort: 7878 }] } },
): Promise<Bench> {
  const dialled: Bench["dialled"] = [];
  const entered = new Set<string>();
  const bench = await openInsideBench({
    config,
    reach: {
      async dial(environmentId, port) {
        dialled.push({ environmentId, port });
        const socket = connect({ host: "127.0.0.1", port: appPort, allowHalfOpen: true });
        await once(socket, "connect");
        return socket;
      },
      connections: {
        enter({ peer }: { peer: string }) {
          entered.add(peer);
          return () => void entered.delete(peer);
        },
      } as unknown as Reach["connections"],
    },
  });
  cleanups.push(() => bench.close());
  return Object.assign(bench, { dialled, entered });
}

type Line = ConnectOutput | { readonly type?: undefined; readonly error: ErrorDocument };
const readLines = async function* (answer: IncomingMessage): AsyncGenerator<Line> {
  for await (const line of createInterface({ input: answer })) yield JSON.parse(line) as Line;
};
const stdin = (text: string | Buffer): string =>
  `${JSON.stringify({ stdin: Buffer.from(text as string).toString("base64") })}\n`;

/** What the app has sent, and how the stream ended. */
async function collect(answer: IncomingMessage): Promise<{ text: string; last: Line | undefined }> {
  const chunks: Buffer[] = [];
  let last: Line | undefined;
  for await (const line of readLines(answer)) {
    if (line.type === "data") chunks.push(Buffer.from(line.data, "base64"));
    last = line;
  }
  return { text: Buffer.concat(chunks).toString("latin1"), last };
}

const states = async ({ store }: Bench): Promise<string[]> =>
  (await store.activities.list()).map(({ state }) => state);

describe("connectToApp", () => {
  test("carries both ways at the same time, and the app may answer after the input has ended", async () => {
    const app = await startApp((socket) => {
      socket.on("data", (data) => socket.write(`got ${String(data)}`));
      socket.on("end", () => socket.end("after all"));
    });
    const at = await open(app.port);
    const { sent, answered } = beginRequest(at, "/connect");
    sent.write("{}\n");
    const lines = readLines(await answered);
    expect((await lines.next()).value).toEqual({ type: "connected", port: 7878 });
    expect(at.dialled).toEqual([{ environmentId: at.environmentId, port: 7878 }]);
    expect([...at.entered]).toEqual(["bloom connect by dora"]);
    for (const word of ["one\n", "two\n"]) {
      sent.write(stdin(word));
      expect((await lines.next()).value).toEqual({ type: "data", data: btoa(`got ${word}`) });
    }
    sent.write(stdin("")); // the body itself stays open
    expect((await lines.next()).value).toEqual({ type: "data", data: btoa("after all") });
    expect((await lines.next()).value).toEqual({ type: "end" });
    expect((await lines.next()).done).toBe(true);
    sent.destroy();
    await expect.poll(() => states(at), patience).toEqual(["succeeded"]);
    expect(at.entered.size).toBe(0);
    const [activity] = await at.store.activities.list();
    expect(activity).toMatchObject({ type: "app.connect", actor: "dora" });
    expect(activity?.description).toBe("dora connected to port 7878 of shop");
  });

  test("a body that ends is the end of the input; bytes stay as they are, many or few", async () => {
    const app = await startApp(echo);
    const at = await open(app.port);
    const bytes = Buffer.alloc(
      5_000_000,
      Uint8Array.from({ length: 251 }, (_, index) => index),
    );
    const { sent, answered } = beginRequest(at, "/connect");
    sent.write(`{"port":9000}\n`);
    for (let from = 0; from < bytes.length; from += 60_000)
      sent.write(stdin(bytes.subarray(from, from + 60_000)));
    sent.end();
    const { text, last } = await collect(await answered);
    expect(last).toEqual({ type: "end" });
    expect(text === bytes.toString("latin1")).toBe(true);
  });

  test("holds up a client whose app does not read", async () => {
    const app = await startApp((socket) => socket.pause());
    const at = await open(app.port);
    const { sent, answered } = beginRequest(at, "/connect");
    sent.write("{}\n");
    await readLines(await answered).next();
    const chunk = stdin(Buffer.alloc(60_000, "x"));
    let held = 0;
    while (sent.write(chunk) || sent.writableLength < 1_000_000) {
      held += chunk.length;
      if (held > 200_000_000) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(held).toBeLessThan(100_000_000);
    sent.destroy();
  });

  test("a client that goes away ends the connection", async () => {
    const app = await startApp(echo);
    const at = await open(app.port);
    const { sent, answered } = beginRequest(at, "/connect");
    sent.on("error", () => undefined).write("{}\n");
    const answer = await answered;
    answer.on("error", () => undefined);
    await readLines(answer).next();
    const [socket] = app.sockets;
    if (socket === undefined) throw new Error("not connected");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    sent.destroy();
    await closed;
    await expect.poll(() => states(at), patience).toEqual(["cancelled"]);
    expect(at.entered.size).toBe(0);
  });

  test("says so when the app breaks off, and when the input is not as it must be", async () => {
    const app = await startApp((socket) => socket.on("data", () => socket.resetAndDestroy()));
    const at = await open(app.port);
    const broken = beginRequest(at, "/connect");
    broken.sent.write(`{}\n${stdin("x")}`);
    expect((await collect(await broken.answered)).last).toMatchObject({
      error: { code: "ERR_APP_UNREACHABLE" },
    });
    broken.sent.destroy();
    const wrong = beginRequest(at, "/connect");
    wrong.sent.write(`{}\n{"stdin":1}\n`);
    expect((await collect(await wrong.answered)).last).toMatchObject({
      error: { code: "ERR_INVALID_ARGUMENT" },
    });
    wrong.sent.destroy();
    await expect.poll(() => states(at), patience).toEqual(["failed", "failed"]);
  });

  test.each([
    ["{}\n", { tcp: { ports: [] } }, 404, "ERR_NOT_FOUND"],
    ['{"port":1}\n', undefined, 400, "ERR_INVALID_ARGUMENT"],
    ['{"ports":1}\n', undefined, 400, "ERR_INVALID_ARGUMENT"],
    ["", undefined, 400, "ERR_INVALID_ARGUMENT"],
  ])("%j to %j is refused before anything is dialled", async (body, config, status, code) => {
    const at = await open(1, config);
    const { sent, answered } = beginRequest(at, "/connect");
    sent.end(body);
    const answer = await answered;
    expect(answer.statusCode).toBe(status);
    expect(await json(answer)).toMatchObject({ error: { code } });
    expect(at.dialled).toEqual([]);
  });

  test("is not for viewers", async () => {
    const at = await open(1);
    const { sent, answered } = beginRequest(at, "/connect", { role: "viewer" });
    sent.end("{}\n");
    expect((await answered).statusCode).toBe(403);
  });
});

describe("the list of connections", () => {
  const answer: ConnectionList = { connections: [], unlisted: 4, notes: ["a note"] };

  async function openListing(): Promise<{ at: InsideBench; asked: ConnectionFacts[]; closed: string[] }> {
    const asked: ConnectionFacts[] = [];
    const closed: string[] = [];
    const at = await openInsideBench({
      config: { tcp: { ports: [{ port: 9000 }] } },
      reach: {
        socketsOf: () => ["/door"],
        connections: {
          async list(facts: ConnectionFacts) {
            asked.push(facts);
            return answer;
          },
          async close(_facts: ConnectionFacts, id: string) {
            if (id === "gone") throw new BloomError("ERR_NOT_FOUND", "there is no open connection gone");
            closed.push(id);
          },
        } as unknown as Reach["connections"],
      },
    });
    cleanups.push(() => at.close());
    return { at, asked, closed };
  }

  test("is made of the instances of this environment, with their versions", async () => {
    const { at, asked } = await openListing();
    const [first] = await at.store.releases.list({ environmentId: at.environmentId });
    for (const one of at.instances)
      Object.assign(one, { releaseId: first?.id, address: { kind: "unix", path: "/s" } });
    Object.assign(at.instances[1] ?? {}, { environmentId: "env-other" });
    const { sent, answered } = beginRequest(at, "/connections", { method: "GET", role: "viewer" });
    sent.end();
    expect(await json(await answered)).toEqual(answer);
    expect(asked).toMatchObject([
      {
        ...{ shape: "tcp", sockets: ["/door"] },
        instances: [{ id: "i-one", version: 1, release: 1, state: "open", address: { kind: "unix" } }],
      },
    ]);
    expect(asked[0]?.instances).toHaveLength(1);
  });

  test("ends one for developers, and says who did", async () => {
    const { at, closed } = await openListing();
    const end = async (id: string, role: string): Promise<number | undefined> => {
      const { sent, answered } = beginRequest(at, `/connections/${id}`, {
        method: "DELETE",
        role,
        type: "application/json",
      });
      sent.end();
      const { statusCode } = await answered;
      return statusCode;
    };
    expect(await end("12-34", "viewer")).toBe(403);
    expect(await end("12-34", "developer")).toBe(200);
    expect(await end("gone", "developer")).toBe(404);
    expect(closed).toEqual(["12-34"]);
    const activities = await at.store.activities.list();
    expect(activities.map(({ type, state, description }) => [type, state, description])).toEqual([
      ["connection.close", "failed", "dora ended the connection gone of shop"],
      ["connection.close", "succeeded", "dora ended the connection 12-34 of shop"],
    ]);
  });
});

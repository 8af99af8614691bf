import { once } from "node:events";
import type { Socket } from "node:net";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import {
  openConnections,
  type ConnectionFacts,
  type Connections,
} from "../../../src/observe/connections/open-connections.js";
import type { NetworkPlace } from "../../../src/run/network/network-place.js";
import { parseBlock } from "../../../src/run/network/plan-block.js";
import {
  cleanUp,
  cleanups,
  instance,
  isRoot,
  makeHome,
  open,
  runInside,
} from "../../run/network/real-network.js";
import { startStreamNginx, waitFor, type StreamNginx } from "./stream-nginx.js";

/** Answers each piece with its name before it, whatever the client has ended; ends its own side when it is told to quit. */
function startEcho(place: NetworkPlace, name: string, host = "127.0.0.1"): Promise<string> {
  return runInside(
    place,
    `const seen = { ends: 0, errors: 0 };
     require("net").createServer({ allowHalfOpen: true }, (s) => {
       s.on("error", () => seen.errors++).on("end", () => seen.ends++).on("data", (d) => {
         if (String(d) === "seen") return s.write(JSON.stringify(seen));
         s.write("${name}:" + d);
         if (String(d) === "quit") s.end();
       });
     }).listen(8888, ${JSON.stringify(host)}, () => console.log("up"))`,
  );
}

/** The machine may be busy. */
const patience = { timeout: 15_000 };
const log = { warn: (fields: object, text: string) => console.error(text, fields) };
const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once("close", resolve));
const addressOf = (socket: Socket): string => `127.0.0.1:${socket.localPort}`;

function addressOfInstance({ instances }: ConnectionFacts, id: string): string {
  const address = instances.find((one) => one.id === id)?.address;
  return address?.kind === "tcp" ? address.address : "";
}

interface Bench {
  readonly nginx: StreamNginx;
  readonly facts: ConnectionFacts;
  /** Leads new connections to the second instance, which listens on an IPv6 socket. */
  switchOver(): Promise<void>;
  openAgain(): Connections;
  readonly stable: string;
}

async function openBench(more: Parameters<typeof startStreamNginx>[1] = {}): Promise<Bench> {
  const network = await open(await makeHome());
  const [a, b] = [
    await network.allocateInstance(instance("i-a")),
    await network.allocateInstance(instance("i-b")),
  ];
  await startEcho(a, "old");
  await startEcho(b, "new", "::");
  const stable = network.stableAddress(0);
  await network.setCurrent(stable, a.address);
  const nginx = await startStreamNginx(`${stable}:8888`, more);
  cleanups.push(() => nginx.close());
  const countOpen = async (): Promise<number> => 0;
  return {
    nginx,
    stable,
    facts: {
      shape: "tcp",
      sockets: [],
      instances: [
        {
          ...{ id: "i-a", version: 1, release: 1, state: "draining", countOpen },
          address: { kind: "tcp", address: a.address, port: 8888 },
        },
        {
          ...{ id: "i-b", version: 2, release: 3, state: "open", countOpen },
          address: { kind: "tcp", address: b.address, port: 8888 },
        },
      ],
    },
    switchOver: () => network.setCurrent(stable, b.address),
    openAgain() {
      const block = parseBlock(network.cidr);
      const connections = openConnections({ streamLog: nginx.log, block, log });
      cleanups.push(() => connections.stop());
      return connections;
    },
  };
}

describe.runIf(isRoot)("connections through a real nginx to real namespaces", () => {
  afterEach(cleanUp);

  test("are listed with their client, instance and bytes; closing one ends exactly that one", async () => {
    const bench = await openBench();
    const { nginx, facts } = bench;
    const before = Date.now();
    const one = await nginx.talk("hello");
    await bench.switchOver();
    const two = await nginx.talk("longer word");
    const three = await nginx.talk("x");
    const connections = bench.openAgain();
    expect(await connections.list(facts)).toMatchObject({ unlisted: 0, notes: [] });
    const list = async () => (await connections.list(facts)).connections;
    // The kernel of a client may take its time to acknowledge.
    await expect
      .poll(async () => (await list()).map((row) => row.bytesOut).toSorted((a, b) => a - b), patience)
      .toEqual([5, 9, 15]);
    const listed = await list();
    const common = { port: nginx.port, since: expect.any(String) as string };
    const byPeer = new Map(listed.map((row) => [row.peer, row]));
    expect(byPeer.get(addressOf(one))).toMatchObject({
      ...{ ...common, instance: "i-a", version: 1, release: 1, state: "draining", bytesIn: 5, bytesOut: 9 },
    });
    expect(byPeer.get(addressOf(two))).toMatchObject({
      ...{ ...common, instance: "i-b", version: 2, release: 3, state: "open", bytesIn: 11, bytesOut: 15 },
    });
    expect(byPeer.get(addressOf(three))).toMatchObject({ instance: "i-b", bytesIn: 1, bytesOut: 5 });
    expect(listed).toHaveLength(3);
    for (const { since, ageSeconds } of listed) {
      expect(Math.abs(Date.parse(since ?? "") - before)).toBeLessThan(5000);
      expect(ageSeconds).toBeLessThan(10);
    }

    const ended = closed(two);
    await connections.close(facts, byPeer.get(addressOf(two))?.id ?? "");
    await ended;
    await waitFor(async () => (await connections.list(facts)).connections.length === 2);
    // The app has seen an orderly end: a reset kills servers that expect none.
    three.write("seen");
    expect(JSON.parse(String((await once(three, "data"))[0]))).toEqual({ ends: 1, errors: 0 });
    for (const client of [one, three]) {
      client.write("still");
      expect(String((await once(client, "data"))[0])).toContain(":still");
    }
    await expect(connections.close(facts, "1-1")).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
  });

  test("that are half closed are counted without their ends, and go when both sides have ended", async () => {
    const bench = await openBench({ server: "proxy_half_close on;" });
    const [one, two] = [await bench.nginx.talk("hello"), await bench.nginx.talk("quit")];
    const ended = once(two, "end");
    one.end();
    two.resume();
    await ended;
    const connections = bench.openAgain();
    const list = async () => (await connections.list(bench.facts)).connections;
    const figures = { instance: "i-a", state: "draining" };
    const rows = [
      expect.objectContaining({ ...figures, peer: addressOf(one), bytesIn: 5, bytesOut: 9 }),
      expect.objectContaining({ ...figures, peer: addressOf(two), bytesIn: 4, bytesOut: 8 }),
    ];
    // The kernel of a client may take its time to acknowledge.
    await expect.poll(list, patience).toEqual(expect.arrayContaining(rows));
    two.end();
    await waitFor(async () => (await list()).length === 1);
  });

  test("stay known through rotations of the log and restarts of the book", async () => {
    const bench = await openBench();
    const { nginx, facts } = bench;
    const early = await nginx.talk("early");
    const first = bench.openAgain();
    expect((await first.list(facts)).connections).toHaveLength(1);
    await nginx.rotate();
    const late = await nginx.talk("late");
    const peersOf = async (all: Connections): Promise<Set<string | null>> =>
      new Set((await all.list(facts)).connections.map(({ peer }) => peer));
    const both = new Set([addressOf(early), addressOf(late)]);
    expect(await peersOf(first)).toEqual(both);
    await first.stop();
    const second = bench.openAgain();
    expect(await peersOf(second)).toEqual(both);
    early.destroy();
    await waitFor(async () => (await peersOf(second)).size === 1);
    expect(await peersOf(second)).toEqual(new Set([addressOf(late)]));
  });

  test("of a worker that was killed are gone, although nothing says so", async () => {
    const bench = await openBench();
    const { nginx, facts } = bench;
    const clients = [await nginx.talk("a"), await nginx.talk("b")];
    const connections = bench.openAgain();
    expect((await connections.list(facts)).connections).toHaveLength(2);
    const ended = clients.map((client) => once(client, "end"));
    await nginx.killWorkers();
    await Promise.all(ended);
    expect((await connections.list(facts)).connections).toEqual([]);
    const again = await nginx.talk("c");
    expect((await connections.list(facts)).connections).toMatchObject([{ peer: addressOf(again) }]);
  });

  test("of clients by IPv6 sockets have their IPv4 addresses, and can be closed, too", async () => {
    const bench = await openBench({ isDual: true });
    const client = await bench.nginx.talk("six");
    const connections = bench.openAgain();
    const list = async () => (await connections.list(bench.facts)).connections;
    await expect.poll(list, patience).toMatchObject([{ peer: addressOf(client), bytesIn: 3, bytesOut: 7 }]);
    const [row] = await list();
    const ended = closed(client);
    await connections.close(bench.facts, row?.id ?? "");
    await ended;
  });

  test("that nginx did not make are shown without a client, and the daemon's own with who asked", async () => {
    const bench = await openBench();
    await bench.switchOver();
    const connections = bench.openAgain();
    const stranger = connect(8888, bench.stable);
    const own = connect(8888, bench.stable);
    const direct = connect(8888, addressOfInstance(bench.facts, "i-b"));
    cleanups.push(async () => [stranger, own, direct].map((socket) => socket.destroy()));
    for (const socket of [stranger, own, direct]) {
      socket.on("error", () => undefined).write("hi");
      await once(socket, "data");
    }
    const leave = connections.enter({ peer: "dora", local: `${own.localAddress}:${own.localPort}` });
    const figures = { instance: "i-b", port: 8888, bytesIn: 2, bytesOut: 6 };
    await expect
      .poll(async () => (await connections.list(bench.facts)).connections, patience)
      .toMatchObject([
        { ...figures, id: "connect-1", peer: "dora" },
        ...[direct.localPort, stranger.localPort]
          .toSorted((a = 0, b = 0) => a - b)
          .map((port) => ({ ...figures, id: `i-b.${port}`, peer: null, since: null })),
      ]);
    for (const socket of [stranger, direct]) {
      const ended = closed(socket);
      await connections.close(bench.facts, `i-b.${socket.localPort}`);
      await ended;
    }
    const alsoEnded = closed(own);
    await connections.close(bench.facts, "connect-1");
    await alsoEnded;
    leave();
    await waitFor(async () => (await connections.list(bench.facts)).connections.length === 0);
  });
});

describe("connections to an app behind a socket", () => {
  afterEach(cleanUp);

  test("are found by the socket, and belong to the only instance there is", async () => {
    const path = join(await makeHome(), "app.sock");
    const app = createServer((socket) =>
      socket.on("error", () => undefined).on("data", (data) => socket.write(data)),
    );
    app.listen(path);
    await once(app, "listening");
    cleanups.push(async () => app.close());
    const nginx = await startStreamNginx(`unix:${path}`);
    cleanups.push(() => nginx.close());
    const client = await nginx.talk("hello");
    const connections = openConnections({ streamLog: nginx.log, block: null, log });
    cleanups.push(() => connections.stop());
    const facts: ConnectionFacts = {
      shape: "tcp",
      sockets: [path],
      instances: [
        {
          ...{ id: "i-a", version: 4, release: 5, state: "open", countOpen: async () => 0 },
          address: { kind: "unix", path },
        },
      ],
    };
    const list = async () => (await connections.list(facts)).connections;
    await expect
      .poll(list, patience)
      .toMatchObject([
        { peer: addressOf(client), instance: "i-a", version: 4, bytesIn: 5, bytesOut: 5, port: nginx.port },
      ]);
    expect((await connections.list({ ...facts, sockets: [] })).connections).toEqual([]);
    if (!isRoot) return;
    const ended = closed(client);
    await connections.close(facts, (await list())[0]?.id ?? "");
    await ended;
  });
});

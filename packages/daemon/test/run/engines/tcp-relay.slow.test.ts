import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterEach, describe, expect, test } from "vitest";
import { findFreePort } from "../../../src/run/engines/free-port.js";
import type { Instance } from "../../../src/run/engines/engine.js";
import { openConnections } from "../../../src/observe/connections/open-connections.js";
import { namespaceOf, parseBlock } from "../../../src/run/network/plan-block.js";
import { planRelaySocket } from "../../../src/run/plan-relays.js";
import {
  cleanUp as cleanUpNetwork,
  open as openNetwork,
  runInside,
  tryHere,
} from "../network/real-network.js";
import {
  cleanups,
  cleanUp,
  isRoot,
  openRealEngine,
  startReady,
  waitFor,
  type RealEngine,
} from "./real-engine.js";

afterEach(async () => {
  await cleanUp();
  await cleanUpNetwork();
});

/** Says in hexadecimal what its clients send, until they send `die`. */
const server = `
use strict; use IO::Select; use IO::Socket::INET;
$| = 1; my $all = IO::Select->new; my %listens;
for my $port (@ARGV) {
  my $listen = IO::Socket::INET->new(LocalAddr => "0.0.0.0", LocalPort => $port, Listen => 50, ReuseAddr => 1) or die $!;
  $listens{$listen} = 1; $all->add($listen);
}
while (1) {
  for my $ready ($all->can_read) {
    if ($listens{$ready}) { $all->add($ready->accept) }
    elsif (sysread $ready, my $said, 1000) { exit 3 if $said =~ /die$/; syswrite $ready, unpack("H*", $said) }
    else { $all->remove($ready); close $ready }
  }
}
`;

const signature = "0d0a0d0a000d0a515549540a";
const line = "PROXY TCP4 203.0.113.7 198.51.100.1 56324 7878\r\n";
const head = `${signature}2111000ccb007107c6336401dc041ec6`;
const longer = "PROXY TCP6 2001:db8::7 ::1 1 7878\r\n";
const longHead = `${signature}21210024${"20010db8".padEnd(31, "0")}7${"1".padStart(32, "0")}00011ec6`;

async function makeWish(real: RealEngine, ports: readonly number[]) {
  const tcp = ports.map((targetPort, index) => ({
    port: index + 1,
    targetPort,
    proxyProtocol: "v2" as const,
  }));
  return real.makeWish(
    {
      web: { start: `exec perl tcp.pl ${ports.join(" ")}`, ready: { path: null, timeoutSeconds: 9 } },
      tcp: { ports: tcp },
    },
    { "tcp.pl": server },
  );
}

type Place = { readonly host: string; readonly port: number } | { readonly path: string };

/** Comes as nginx does, and hears what the app was told. */
async function come(place: Place, text: string): Promise<{ socket: Socket; heard: string }> {
  const socket = connect(place);
  cleanups.push(async () => socket.destroy());
  socket.on("error", () => undefined).write(text);
  let heard = "";
  for await (const data of socket.iterator({ destroyOnReturn: false })) {
    heard += String(data);
    // The app says what has come, in as many pieces as it came.
    if (heard.length >= head.length) break;
  }
  return { socket, heard };
}

const ask = async (socket: Socket, text: string): Promise<string> => {
  socket.write(text);
  return String((await once(socket, "data"))[0]);
};

const hostOf = (instance: Instance): string =>
  instance.address.kind === "tcp" ? instance.address.address : "nowhere";

describe.runIf(isRoot)("in a namespace", () => {
  test("every port has a relay of its own, and nobody but who is led there comes by it", async () => {
    const network = await openNetwork((await openRealEngine()).paths.root);
    const real = await openRealEngine(network);
    const app = await startReady(real.engine, await makeWish(real, [7878, 7879]));
    expect(app.listens).toEqual([7878, 7879]);
    expect(app.relays).toEqual([
      { port: 7878, at: 65_535 },
      { port: 7879, at: 65_534 },
    ]);
    const stable = network.stableAddress(0);
    await network.setCurrent(stable, hostOf(app));
    for (const port of [7878, 7879]) {
      const { socket, heard } = await come({ host: stable, port }, line);
      expect(heard).toBe(head);
      expect(await ask(socket, "hello")).toBe(Buffer.from("hello").toString("hex"));
      socket.destroy();
    }
    const six = await come({ host: hostOf(app), port: 7878 }, longer);
    expect(six.heard).toBe(longHead);
    expect((await app.refresh()).connections).toBe(1);
    // Tracked is the way of clients to the relay, and not the one from there to the app.
    const netns = namespaceOf(hostOf(app)) ?? "";
    const tracked = await execa("ip", ["netns", "exec", netns, "conntrack", "-L", "-p", "tcp"]);
    expect(tracked.stdout).toContain("dport=7878");
    expect(tracked.stdout).not.toContain("src=127.0.0.1 dst=127.0.0.1");
    // Who is inside is not announced, whatever he says.
    const inside = await runInside(
      { netns: `/run/netns/${netns}` },
      `const s = require("net").connect(65535, "127.0.0.1", () => s.write(${JSON.stringify(line)}));
       let heard = 0; s.on("data", (data) => (heard += data.length)).on("error", () => {}).on("close", () => console.log("heard " + heard))`,
    );
    expect(inside).toBe("heard 0");
    expect(await tryHere(hostOf(app), 65_535)).toMatchObject({ word: "ECONNREFUSED" });
    expect((await come({ host: stable, port: 7878 }, "GET / HTTP/1.1\r\n\r\n")).heard).toBe("");

    // A connection that nobody has told of is listed with the port it meant, and can be ended.
    const list = openConnections({
      streamLog: join(real.paths.root, "none.log"),
      block: parseBlock(network.cidr),
      log: { warn: () => undefined },
    });
    cleanups.push(() => list.stop());
    const { relays = [], address } = app;
    const facts = {
      ...{ shape: "tcp" as const, sockets: [] },
      instances: [
        {
          ...{ id: app.id, version: 1, release: 1, state: "open" as const, address, relays },
          countOpen: async () => 0,
        },
      ],
    };
    const { socket } = await come({ host: stable, port: 7879 }, line);
    const found = (await list.list(facts)).connections;
    expect(new Set(found.map(({ port }) => port))).toEqual(new Set([7878, 7879]));
    // To us it looks broken off.
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await list.close(facts, found.find(({ port }) => port === 7879)?.id ?? "");
    await closed;
    expect(await ask(six.socket, "still")).toBe(Buffer.from("still").toString("hex"));
  });

  test("the next process of an app has it as well, and so has a later daemon", async () => {
    const network = await openNetwork((await openRealEngine()).paths.root);
    const real = await openRealEngine(network);
    const app = await startReady(real.engine, await makeWish(real, [7878]));
    const place = { host: hostOf(app), port: 7878 };
    const clients = await Promise.all(Array.from({ length: 50 }, () => come(place, line)));
    const ended = clients.map(({ socket }) => once(socket.resume(), "close"));
    clients[0]?.socket.write("die");
    await waitFor(app, ({ restarts, state }) => restarts === 1 && state === "ready");
    await Promise.all(ended);
    const { socket, heard } = await come(place, line);
    expect(heard).toBe(head);
    const file = join(real.paths.instances, app.id, "instance.json");
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ relays: [{ port: 7878, at: 65_535 }] });
    const found = await (await real.reopen()).adopt(app.id);
    expect(found?.relays).toEqual(app.relays);
    expect(await ask(socket, "still")).toBe(Buffer.from("still").toString("hex"));
    // It drains for as long as somebody is connected.
    let isGone = false;
    const drained = found?.drain(60_000).then(() => (isGone = true));
    await sleep(300);
    expect(isGone).toBe(false);
    expect(await ask(socket, "and now")).toBe(Buffer.from("and now").toString("hex"));
    socket.end();
    await drained;
  });
});

test("on the machine's own network the relay has a socket, which goes with the app", async () => {
  const real = await openRealEngine();
  const port = await findFreePort();
  const wish = await makeWish(real, [port]);
  const path = planRelaySocket(real.paths.upstreams, wish.environmentId, port);
  for (let round = 0; round < 2; round++) {
    const app = await startReady(real.engine, wish);
    expect(app.relays).toEqual([]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const { socket, heard } = await come({ path }, line);
    expect(heard).toBe(head);
    expect((await app.refresh()).connections).toBe(1);
    const closed = once(socket.resume(), "close");
    await app.stop(0);
    await closed;
    await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
  }
});

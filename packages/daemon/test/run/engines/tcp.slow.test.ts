import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { PartialConfig } from "@bloomery/contract";
import { afterEach, describe, expect, test } from "vitest";
import { findFreePort } from "../../../src/run/engines/free-port.js";
import type { Instance } from "../../../src/run/engines/engine.js";
import { cleanUp as cleanUpNetwork, open as openNetwork, tryHere } from "../network/real-network.js";
import {
  cleanups,
  cleanUp,
  isRoot,
  openRealEngine,
  startInstance,
  startReady,
  waitFor,
  type RealEngine,
} from "./real-engine.js";

afterEach(async () => {
  await cleanUp();
  await cleanUpNetwork();
});

/**
 * A server that greets every client with the port it came to and gives back what it is sent. Its arguments are
 * places, `127.0.0.1:7878`, and pauses in seconds; it ends when a client sends `die`.
 */
const server = `
use strict; use IO::Select; use IO::Socket::IP;
$| = 1; my %port; my $all = IO::Select->new;
for my $word (@ARGV) {
  if ($word =~ /^[\\d.]+$/) { select undef, undef, undef, $word; next }
  my ($host, $port) = $word =~ /^(.+):(\\d+)$/;
  my $only = $host =~ s/^6//; $host =~ tr/[]//d; $host = $ENV{OWN} if $host eq "own";
  my $listen = IO::Socket::IP->new(LocalHost => $host, LocalPort => $port, Listen => 50, ReuseAddr => 1, GetAddrInfoFlags => 0,
    ($host =~ /:/ ? (V6Only => $only) : ())) or die "cannot listen on $word: $@";
  $port{$listen} = $port; $all->add($listen);
}
while (1) {
  for my $ready ($all->can_read) {
    if (my $port = $port{$ready}) { my $peer = $ready->accept; print $peer "on $port\\n"; $peer->flush; $all->add($peer) }
    elsif (sysread $ready, my $said, 1000) { exit 3 if $said =~ /^die/; syswrite $ready, $said }
    else { $all->remove($ready); close $ready }
  }
}
`;

type TcpPart = NonNullable<PartialConfig["tcp"]>["ports"];

async function makeWish(real: RealEngine, places: string, ports: TcpPart, start = "exec") {
  const web = { start: `${start} perl tcp.pl ${places}`, ready: { path: null, timeoutSeconds: 1 } };
  return real.makeWish(
    { web: { ...web, graceSeconds: 1 }, tcp: { ports: ports ?? [] } },
    { "tcp.pl": server },
  );
}

async function greet(host: string, port: number): Promise<{ socket: Socket; greeting: string }> {
  const socket = connect(port, host);
  cleanups.push(async () => socket.destroy());
  socket.on("error", () => undefined);
  const [greeting] = (await once(socket, "data")) as [Buffer];
  return { socket, greeting: String(greeting) };
}

const hostOf = (instance: Instance): string =>
  instance.address.kind === "tcp" ? instance.address.address : "nowhere";

describe.runIf(isRoot)("a tcp app in its namespace", () => {
  const openReal = async (): Promise<{
    real: RealEngine;
    network: Awaited<ReturnType<typeof openNetwork>>;
  }> => {
    const network = await openNetwork((await openRealEngine()).paths.root);
    return { real: await openRealEngine(network), network };
  };

  test.each(["127.0.0.1", "0.0.0.0", "[::]"])(
    "is reached on all of its ports when it listens on %s",
    async (host) => {
      const { real } = await openReal();
      const ports = [{ port: 7878 }, { port: 1, targetPort: 7879 }];
      const wish = await makeWish(real, `${host}:7878 ${host}:7879 ${host}:7880`, ports);
      const app = await startReady(real.engine, wish);
      expect(app.listens).toEqual([7878, 7879, 7880]);
      expect(app.address).toMatchObject({ kind: "tcp", port: 7878 });
      for (const port of [7878, 7879]) {
        expect(await tryHere(hostOf(app), port)).toMatchObject({ word: `on ${port}\n` });
      }
      expect(await tryHere(hostOf(app), 7880)).toMatchObject({ word: "ECONNREFUSED" });
    },
  );

  test("two versions live side by side on the same port, and the old one ends with its last connection", async () => {
    const { real, network } = await openReal();
    const [old, fresh] = [
      await startReady(real.engine, await makeWish(real, "127.0.0.1:7878", [{ port: 7878 }])),
      await startReady(real.engine, await makeWish(real, "127.0.0.1:7878", [{ port: 7878 }])),
    ];
    const stable = network.stableAddress(0);
    await network.setCurrent(stable, hostOf(old));
    const { socket } = await greet(stable, 7878);
    await network.setCurrent(stable, hostOf(fresh));
    const drained = old.drain(60_000);
    socket.write("still here");
    expect(String((await once(socket, "data"))[0])).toBe("still here");
    expect((await old.refresh()).connections).toBe(1);
    expect((await fresh.refresh()).connections).toBe(0);
    expect(await tryHere(stable, 7878)).toMatchObject({ word: "on 7878\n" });
    socket.end();
    await drained;
    expect(fresh.status.state).toBe("ready");
  });

  test("has the ports it was found to listen on opened, and keeps them for a later daemon", async () => {
    const { real, network } = await openReal();
    const app = await startReady(real.engine, await makeWish(real, "0.0.0.0:7001 0.1 127.0.0.1:7000", []));
    expect(app.listens).toEqual([7000, 7001]);
    expect(await tryHere(hostOf(app), 7000)).toMatchObject({ word: "ECONNREFUSED" });
    await app.openPorts(app.listens);
    expect(await tryHere(hostOf(app), 7000)).toMatchObject({ word: "on 7000\n" });
    const file = join(real.paths.instances, app.id, "instance.json");
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ netnsPorts: [7000, 7001] });

    const adopted: unknown[] = [];
    const adopt = network.adopt.bind(network);
    network.adopt = (live) => (adopted.push(...live), adopt(live));
    const found = await (await real.reopen()).adopt(app.id);
    expect(adopted).toMatchObject([{ ports: [7000, 7001] }]);
    expect(found?.listens).toEqual([7000, 7001]);
    await found?.stop(0);
  });

  test("sends its goodbye to who is still there at the end, and ends although it does not listen to TERM", async () => {
    const { real, network } = await openReal();
    const goodbye = "the server restarts";
    const wish = await makeWish(real, "127.0.0.1:7878", [{ port: 7878, goodbye }], "trap '' TERM; exec");
    const app = await startReady(real.engine, wish);
    const stable = network.stableAddress(0);
    await network.setCurrent(stable, hostOf(app));
    const { socket } = await greet(stable, 7878);
    const [heard] = await Promise.all([text(socket), app.drain(200)]);
    expect(heard).toBe("the server restarts\n");
    expect((await app.readTail(20)).length).toBeGreaterThan(0);
  });

  test.each([
    ["6[::]:7878", "it listens on [::]:7878 for IPv6 alone: it must listen on 127.0.0.1 or 0.0.0.0"],
    ["own:7878", /^it listens on 198\.19\.\d+\.\d+:7878 alone: it must listen on/],
    ["127.0.0.1:9000", "it listens on 9000 and not on 7878"],
    ["60", "nothing listens on 7878"],
  ])("that listens on %s alone is not ready, and why is said", async (places, said) => {
    const { real } = await openReal();
    const own = `export OWN=$(awk '/32 host/ {print last} {last = $2}' /proc/net/fib_trie | grep ^198 | head -n 1); exec`;
    const app = await startInstance(real.engine, await makeWish(real, places, [{ port: 7878 }], own));
    expect((await waitFor(app, ({ ready_timeout }) => ready_timeout)).state).toBe("starting");
    // On a busy machine it may begin to listen only now, of which no event tells.
    await expect.poll(async () => (await app.refresh()).last_probe, { timeout: 10_000 }).toMatch(said);
  });

  test("that dies with many connections is back, and nobody is left waiting", async () => {
    const { real } = await openReal();
    const app = await startReady(real.engine, await makeWish(real, "127.0.0.1:7878", [{ port: 7878 }]));
    const clients = await Promise.all(Array.from({ length: 50 }, () => greet(hostOf(app), 7878)));
    const ended = clients.map(({ socket }) => once(socket.resume(), "close"));
    clients[0]?.socket.write("die");
    const status = await waitFor(app, ({ restarts, state }) => restarts === 1 && state === "ready");
    expect(status.last_exit?.code).toBe(3);
    await Promise.all(ended);
    expect(await tryHere(hostOf(app), 7878)).toMatchObject({ word: "on 7878\n" });
  });
});

describe("a tcp app on the machine's own ports", () => {
  test("is told apart from others who listen, reached there, and found out when it names none", async () => {
    const real = await openRealEngine();
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    cleanups.push(async () => other.close());
    const port = await findFreePort();
    const named = await startReady(real.engine, await makeWish(real, `127.0.0.1:${port}`, [{ port }]));
    expect(named.listens).toEqual([port]);
    expect(named.address).toEqual({ kind: "tcp", address: "127.0.0.1", port });
    expect(await tryHere("127.0.0.1", port)).toMatchObject({ word: `on ${port}\n` });
    await named.openPorts([port]);
    await named.stop(0);
    const found = await startReady(real.engine, await makeWish(real, `127.0.0.1:${port}`, []));
    expect(found.listens).toEqual([port]);
  });

  test("is refused a port that another has, by name, and leaves nothing behind", async () => {
    const real = await openRealEngine();
    const port = await findFreePort();
    const first = await startReady(real.engine, await makeWish(real, `127.0.0.1:${port}`, [{ port }]));
    const wish = await makeWish(real, `127.0.0.1:${port}`, [{ port }]);
    await expect(real.engine.start(wish)).rejects.toMatchObject({
      code: "ERR_PORT_TAKEN",
      message: expect.stringMatching(
        new RegExp(
          `^the app cannot listen on port ${port}, which is held by .*perl tcp\\.pl .*\\(pid \\d+\\)$`,
        ),
      ) as string,
    });
    await first.stop(0);
    expect((await startReady(real.engine, wish)).listens).toEqual([port]);
  });
});

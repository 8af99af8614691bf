import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PartialConfig } from "@bloomery/contract";
import { createServer, type AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Instance } from "../../../src/run/engines/engine.js";
import type { HostNetwork } from "../../../src/run/network/open-network.js";
import { cleanUp as cleanUpNetwork, makeHome, makeOutside, open } from "../network/real-network.js";
import { makeFunction } from "./perl-function.js";
import {
  ask,
  cleanups,
  cleanUp,
  isRoot,
  openRealEngine,
  startReady,
  type RealEngine,
} from "./real-engine.js";

/** Connects and prints what came of it: the first words, or the error. */
const tryFile = `
use strict; use Socket;
my ($host, $port, $from) = @ARGV;
socket(my $s, PF_INET, SOCK_STREAM, 0) or die; $SIG{ALRM} = sub { print "timeout"; exit }; alarm 4;
bind($s, sockaddr_in(0, inet_aton($from))) or die if defined $from;
if (connect($s, sockaddr_in($port, inet_aton($host)))) { my $word = <$s>; print $word // "connected"; } else { print "$!"; }
`;
const files = { "try.pl": tryFile };

const refused = "Connection refused";
const unreachable = "Network is unreachable";

let hostPort: number;
let lan: string | undefined;

beforeEach(async () => {
  // A service of the machine, on every address it has; the API and nginx are reached in no other way.
  const server = createServer((socket) => socket.on("error", () => undefined).end("host"));
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  cleanups.push(async () => server.close());
  hostPort = (server.address() as AddressInfo).port;
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  lan = addresses.find(
    (one) => one.family === "IPv4" && !one.internal && !one.address.startsWith("198."),
  )?.address;
});
afterEach(async () => {
  await cleanUp();
  await cleanUpNetwork();
});

const tryLine = (host: string, port: number): string => `perl /app/try.pl ${host} ${port}`;
const gatewayOf = (address: string): string => address.replace(/\d+$/, (last) => String(Number(last) - 1));

function addressOf(instance: Instance): string {
  if (instance.address.kind !== "tcp") throw new Error("it has no address");
  return instance.address.address;
}

async function runCommand(instance: Instance, line: string): Promise<string> {
  const command = await instance.enter({ command: ["sh", "-c", line], env: {}, tty: null });
  command.stdin.end();
  return text(command.stdout);
}

/** Everything of the platform and its machine that nothing in a sandbox may reach. */
async function listForbidden(
  network: HostNetwork,
  neighbour: Instance,
  own: string,
): Promise<readonly (readonly [string, number])[]> {
  const stable = network.stableAddress(0);
  await network.setCurrent(stable, addressOf(neighbour));
  return [
    [addressOf(neighbour), 8888],
    [stable, 8888],
    ["127.0.0.1", hostPort],
    [gatewayOf(own), hostPort],
    [gatewayOf(addressOf(neighbour)), hostPort],
    ...(lan === undefined ? [] : ([[lan, hostPort]] as const)),
    ["169.254.169.254", 80],
  ];
}

describe.runIf(isRoot)("with root", () => {
  let network: HostNetwork;
  let real: RealEngine;

  beforeEach(async () => {
    network = await open(await makeHome());
    real = await openRealEngine(network);
  });

  test("an app reaches the outside and its own loopback, and nothing of the platform or its machine", async () => {
    const outside = await makeOutside();
    const app = await startReady(real.engine, await real.makeWish({}, files));
    const neighbour = await startReady(real.engine, await real.makeWish());
    expect(await ask(app, tryLine(outside.address, 7000))).toBe(`from ${outside.host}`);
    expect(
      await ask(
        app,
        "perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(q(127.0.0.1:8888)) ? q(up) : $!'",
      ),
    ).toBe("up");
    for (const [host, port] of await listForbidden(network, neighbour, addressOf(app))) {
      expect([host, await ask(app, tryLine(host, port))]).toEqual([host, refused]);
      // A hook, a cron job or somebody's shell is where the app is.
      expect([host, await runCommand(app, tryLine(host, port))]).toEqual([host, refused]);
    }
    // From an address that is only its own inside.
    const odd = `${tryLine(gatewayOf(addressOf(app)), hostPort)} 127.0.0.1`;
    expect(await ask(app, odd)).toBe("timeout");
    expect(await ask(app, "cut -d' ' -f1-4,6 /proc/net/if_inet6 | grep -v ' lo$'")).not.toContain("eth0");
  });

  test("a command in the namespace of builds reaches no more than an app", async () => {
    const neighbour = await startReady(real.engine, await real.makeWish());
    const build = await network.allocateBuild();
    // The sandbox of an app in the namespace of a build: what counts is the namespace.
    const inBuild = { ...network, allocateInstance: async () => build };
    const { engine, makeWish } = await openRealEngine(inBuild);
    const wish = await makeWish(
      { web: { start: "exec perl server.pl", upstream: { socketFamily: "unix" } } },
      files,
    );
    const app = await startReady(engine, wish);
    for (const [host, port] of await listForbidden(network, neighbour, build.address)) {
      expect([host, await ask(app, tryLine(host, port))]).toEqual([host, refused]);
    }
  });

  test("no socket of the platform or the machine is in its file system", async () => {
    const wish = { web: { start: "exec perl server.pl", upstream: { socketFamily: "unix" } } } as const;
    const app = await startReady(real.engine, await real.makeWish(wish));
    expect(await ask(app, "find / -type s 2>/dev/null")).toBe("/run/bloomery/app.sock\n");
    // Those without a name belong to a network namespace as well.
    expect(await ask(app, "grep -c @ /proc/net/unix")).toBe("0\n");
  });

  test("without a network an app with a port is reached, reaches nothing, and is told so at once", async () => {
    const outside = await makeOutside();
    const app = await startReady(real.engine, await real.makeWish({ network: "none" }, files));
    expect(addressOf(app)).toMatch(/^198\./);
    expect(await ask(app, tryLine(outside.address, 7000))).toBe(refused);
    const begun = performance.now();
    expect(await ask(app, "getent hosts db.example.com || echo unknown")).toBe("unknown\n");
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  test("without a network an app with a socket has its loopback alone", async () => {
    const web = { start: "exec perl server.pl", upstream: { socketFamily: "unix" } } as const;
    const app = await startReady(real.engine, await real.makeWish({ network: "none", web }, files));
    expect(await ask(app, "cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' '")).toBe("lo\n");
    expect(await ask(app, tryLine("198.51.100.7", 80))).toBe(unreachable);
    expect(await ask(app, "getent hosts db.example.com || echo unknown")).toBe("unknown\n");
  });

  test("in the machine's network two versions run side by side, by their PORT", async () => {
    const [one, two] = [
      await startReady(real.engine, await real.makeWish({ network: "host" }, files)),
      await startReady(real.engine, await real.makeWish({ network: "host" }, files)),
    ];
    for (const app of [one, two]) {
      expect(app.address.kind).toBe("unix");
      expect(await ask(app, tryLine("127.0.0.1", hostPort))).toBe("host");
    }
    expect(await ask(one, "echo $PORT")).not.toBe(await ask(two, "echo $PORT"));
  });

  test("a function has its socket alone, unless it asks for the outside, some places of it, or the machine", async () => {
    const outside = await makeOutside();
    const outbound = [{ host: outside.address, ports: [7000, 7000] as const }];
    const places: (readonly [string, number])[] = [
      [outside.address, 7000],
      ["127.0.0.1", hostPort],
      ["169.254.169.254", 80],
      ["198.51.100.7", 80],
    ];
    const tryAll = async (part: Partial<PartialConfig>): Promise<readonly string[]> => {
      const wish = await makeFunction(real, part);
      await writeFile(join(wish.artifactDir, "try.pl"), tryFile);
      const app = await startReady(real.engine, wish);
      expect(app.address.kind).toBe("unix");
      const answers: string[] = [];
      for (const [host, port] of places) answers.push(await ask(app, tryLine(host, port)));
      return answers;
    };
    const from = `from ${outside.host}`;
    expect(await tryAll({})).toEqual([unreachable, refused, unreachable, unreachable]);
    expect(await tryAll({ network: "outbound", outbound })).toEqual([from, refused, refused, refused]);
    places.pop();
    expect(await tryAll({ network: "outbound" })).toEqual([from, refused, refused]);
    places.pop();
    expect(await tryAll({ network: "host" })).toEqual([from, "host"]);
  });

  test("a list holds in the app, in its commands, and for the next daemon", async () => {
    const outside = await makeOutside();
    const outbound = [{ host: outside.address, ports: [7000, 7000] as const }];
    const app = await startReady(real.engine, await real.makeWish({ outbound }, files));
    const check = async (instance: Instance): Promise<void> => {
      expect(await ask(instance, tryLine(outside.address, 7000))).toBe(`from ${outside.host}`);
      expect(await ask(instance, tryLine(outside.address, 7001))).toBe(refused);
      expect(await runCommand(instance, tryLine(outside.address, 7001))).toBe(refused);
    };
    await check(app);
    const next = await real.reopen();
    const adopted = await next.adopt(app.id);
    if (adopted === undefined) throw new Error("it was not found again");
    await check(adopted);
    await adopted.stop(0);
  });
});

describe("without root's network", () => {
  test("what cannot be kept is refused before anything starts, or runs when its owner has said so", async () => {
    const { engine, makeWish } = await openRealEngine();
    const wish = await makeWish({ network: "none" }, files);
    await expect(engine.start(wish)).rejects.toMatchObject({ code: "ERR_ISOLATION_UNAVAILABLE" });
    expect(await engine.adopt(wish.id)).toBeUndefined();
    const outbound = [{ host: "192.0.2.1", ports: null }];
    await expect(engine.start(await makeWish({ outbound }))).rejects.toMatchObject({
      code: "ERR_ISOLATION_UNAVAILABLE",
    });
    const careless = await openRealEngine(null, true);
    const app = await startReady(careless.engine, await careless.makeWish({ network: "none" }, files));
    expect(await ask(app, tryLine("127.0.0.1", hostPort))).toBe("host");
  });

  test("an app with a socket is kept from the network all the same", async () => {
    const { engine, makeWish } = await openRealEngine();
    const web = { start: "exec perl server.pl", upstream: { socketFamily: "unix" } } as const;
    const app = await startReady(engine, await makeWish({ network: "none", web }, files));
    expect(await ask(app, tryLine("127.0.0.1", hostPort))).toBe(refused);
  });
});

import { once } from "node:events";
import { createSocket } from "node:dgram";
import { execa } from "execa";
import { afterEach, describe, expect, test } from "vitest";
import type { OutboundRule } from "@bloomery/contract";
import {
  cleanups,
  cleanUp,
  instance,
  isRoot,
  makeHome,
  makeOutside,
  open,
  runInside,
  tryFrom,
  waitFor,
} from "./real-network.js";

afterEach(cleanUp);

const listed = (id: string, ...rules: OutboundRule[]) => ({
  ...instance(id, true),
  only: { rules, hosts: {} },
});
const rule = (host: string, first: number, last = first): OutboundRule => ({ host, ports: [first, last] });

/** A further server in a namespace; says its name to each connection and each datagram. */
function startWorld(place: { readonly netns: string }, port: number, name: string): Promise<string> {
  return runInside(
    place,
    `const name = ${JSON.stringify(name)};
     const udp = require("dgram").createSocket("udp4"); udp.on("message", (_, from) => udp.send(name, from.port, from.address));
     require("net").createServer((s) => s.on("error", () => {}).end(name)).listen(${port}, "0.0.0.0", () => udp.bind(${port}, () => console.log("up")));`,
  );
}

/** What a datagram from inside comes to. */
function sendFrom(place: { readonly netns: string }, host: string, port: number): Promise<string> {
  return runInside(
    place,
    `const s = require("dgram").createSocket("udp4"); const end = (word) => { console.log(word); s.close(); };
     const timer = setTimeout(() => end("timeout"), 1500); s.on("error", (e) => { clearTimeout(timer); end(e.code); });
     s.on("message", (m) => { clearTimeout(timer); end(String(m)); }); s.connect(${port}, ${JSON.stringify(host)}, () => s.send("?"));`,
  );
}

const listTable = async (cidr: string): Promise<string> =>
  (await execa("nft", ["list", "table", "ip", `bloom_${cidr.replace(/[./]/g, "_")}`])).stdout;

describe.skipIf(!isRoot)("a list of places", () => {
  test("lets in what it names and refuses the rest at once, of TCP and of everything else", async () => {
    const network = await open(await makeHome());
    const outside = await makeOutside();
    await startWorld(outside, 7001, "other port");
    const place = await network.allocateInstance(listed("i-a", rule(outside.address, 7000)));
    expect(await tryFrom(place, outside.address, 7000)).toBe(`from ${outside.host}`);
    expect(await tryFrom(place, outside.address, 7001)).toBe("ECONNREFUSED");
    expect(await sendFrom(place, outside.address, 7001)).toBe("EHOSTUNREACH");
    expect(await tryFrom(place, "198.51.100.7", 7000)).toBe("ECONNREFUSED");
    expect(await tryFrom(place, outside.host, 7000)).toBe("ECONNREFUSED");
  });

  test("takes networks and ranges of ports, overlapping ones as well, and all ports of TCP and UDP", async () => {
    const network = await open(await makeHome());
    const outside = await makeOutside();
    await startWorld(outside, 7001, "open");
    const rules = [
      rule("203.0.113.0/24", 7001, 7005),
      rule("203.0.112.0/23", 7002, 7010),
      rule("0.0.0.0/0", 9),
    ];
    const some = await network.allocateInstance(listed("i-some", ...rules));
    expect(await tryFrom(some, outside.address, 7001)).toBe("open");
    expect(await tryFrom(some, outside.address, 7000)).toBe("ECONNREFUSED");
    expect(await sendFrom(some, outside.address, 7001)).toBe("EHOSTUNREACH");
    const all = await network.allocateInstance(listed("i-all", { host: outside.address, ports: null }));
    expect(await tryFrom(all, outside.address, 7000)).toBe(`from ${outside.host}`);
    expect(await sendFrom(all, outside.address, 7001)).toBe("open");
  });

  test("opens neither the platform nor what is shut to everybody", async () => {
    const network = await open(await makeHome());
    const neighbour = await network.allocateInstance(instance("i-b"));
    await startWorld(neighbour, 8888, "neighbour");
    const place = await network.allocateInstance(listed("i-a", { host: "0.0.0.0/0", ports: null }));
    expect(await tryFrom(place, neighbour.address, 8888)).toBe("ECONNREFUSED");
    expect(await tryFrom(place, "169.254.169.254", 80)).toBe("ECONNREFUSED");
  });

  test("refuses at once however often it is tried", async () => {
    const network = await open(await makeHome());
    const place = await network.allocateInstance(listed("i-a"));
    const words = await runInside(
      place,
      `const { connect } = require("net"); const words = []; let left = 40;
       const next = () => { if (left-- === 0) return console.log(JSON.stringify(words)); const s = connect(80, "198.51.100.7");
         s.on("error", (e) => (words.push(e.code), next())); }; setTimeout(() => { console.log("slow " + words.length); process.exit(); }, 2500); next();`,
    );
    expect(JSON.parse(words)).toEqual(Array.from({ length: 40 }, () => "ECONNREFUSED"));
  });

  test("follows a name to where it leads, and leaves alone what is connected", async () => {
    const outside = await makeOutside();
    let answer: readonly string[] | undefined;
    const lookUp = async (): Promise<readonly string[]> => {
      if (answer === undefined) throw new Error("ENOTFOUND");
      return answer;
    };
    const names = { lookUp, everyMs: 20, keepMs: 0 };
    const network = await open(await makeHome(), null, { names });
    const place = await network.allocateInstance(listed("i-a", rule("db.example.com", 7000, 7001)));
    expect(await tryFrom(place, outside.address, 7000)).toBe("ECONNREFUSED");
    answer = [outside.address];
    await waitFor(async () => (await listTable(network.cidr)).includes("db.example.com"));
    expect(await tryFrom(place, outside.address, 7000)).toBe(`from ${outside.host}`);

    await runInside(
      outside,
      `require("net").createServer((s) => s.on("data", (d) => s.write(d))).listen(7001, "0.0.0.0", () => console.log("up"))`,
    );
    // Says back what it is told on the host's loopback, over one connection.
    const port = 20_000 + (process.pid % 10_000);
    await runInside(
      place,
      `const far = require("net").connect(7001, ${JSON.stringify(outside.address)}, () => console.log("connected"));
       require("net").createServer((near) => { near.on("error", () => {}); far.once("data", (d) => near.end(d)); far.write("still here"); }).listen(${port}, "127.0.0.1");`,
    );
    answer = ["198.51.100.9"];
    await waitFor(async () => !(await listTable(network.cidr)).includes(outside.address));
    expect(await tryFrom(place, outside.address, 7000)).toBe("ECONNREFUSED");
    expect(await tryFrom(place, "127.0.0.1", port)).toBe("still here");
  });

  test("holds after the rules were flushed and for a new daemon, also while no name is answered for", async () => {
    const outside = await makeOutside();
    await startWorld(outside, 7001, "other port");
    const home = await makeHome();
    const wish = listed("i-a", rule("db.example.com", 7000));
    const first = await open(home, null, { names: { lookUp: async () => [outside.address] } });
    const place = await first.allocateInstance(wish);
    const check = async (): Promise<void> => {
      expect(await tryFrom(place, outside.address, 7000)).toBe(`from ${outside.host}`);
      expect(await tryFrom(place, outside.address, 7001)).toBe("ECONNREFUSED");
    };
    await check();
    await execa("nft", ["delete", "table", "ip", `bloom_${first.cidr.replace(/[./]/g, "_")}`]);
    expect(await first.repair()).toBe(true);
    await check();
    await first.close();

    const lookUp = (): Promise<never> => Promise.reject(new Error("ENOTFOUND"));
    const second = await open(home, first.cidr, { names: { lookUp } });
    await check();
    expect(await second.adopt([{ ...wish, address: place.address }])).toHaveLength(1);
    await check();
    await second.releaseInstance(place.address);
    expect(await listTable(second.cidr)).not.toContain("only-");
  });

  test("of an instance that nobody has adopted goes with it", async () => {
    const home = await makeHome();
    const first = await open(home);
    const place = await first.allocateInstance(listed("i-a", rule("198.51.100.7", 80)));
    await first.close();
    const second = await open(home, first.cidr);
    expect(await listTable(second.cidr)).toContain("only-");
    expect(await second.sweep()).toContain(place.address);
    expect(await listTable(second.cidr)).not.toContain("only-");
  });
});

describe.skipIf(!isRoot)("name servers", () => {
  test("outside are reached by whoever connects anywhere, on their port alone", async () => {
    const outside = await makeOutside();
    await startWorld(outside, 53, "a name");
    const network = await open(await makeHome(), null, { resolvers: async () => [outside.address] });
    const some = await network.allocateInstance(listed("i-some", rule("198.51.100.7", 80)));
    expect(await sendFrom(some, outside.address, 53)).toBe("a name");
    expect(await tryFrom(some, outside.address, 53)).toBe("a name");
    expect(await tryFrom(some, outside.address, 7000)).toBe("ECONNREFUSED");
    const none = await network.allocateInstance(instance("i-none"));
    expect(await sendFrom(none, outside.address, 53)).toBe("EHOSTUNREACH");
    expect(await tryFrom(none, outside.address, 53)).toBe("ECONNREFUSED");
  });

  test("of the machine itself as well, and nothing else of it; a change of them is followed", async () => {
    const outside = await makeOutside();
    const server = createSocket("udp4");
    server.on("message", (_text, from) => server.send("here", from.port, from.address));
    server.bind(53, outside.host);
    await once(server, "listening");
    cleanups.push(async () => server.close());
    let resolvers: readonly string[] = [];
    const network = await open(await makeHome(), null, { resolvers: async () => resolvers });
    const place = await network.allocateInstance(instance("i-a", true));
    const none = await network.allocateInstance(instance("i-none"));
    expect(await sendFrom(place, outside.host, 53)).toBe("EHOSTUNREACH");
    resolvers = [outside.host];
    expect(await network.repair()).toBe(false);
    expect(await sendFrom(place, outside.host, 53)).toBe("here");
    expect(await sendFrom(none, outside.host, 53)).toBe("EHOSTUNREACH");
    expect(await sendFrom(place, outside.host, 54)).toBe("EHOSTUNREACH");
  });
});

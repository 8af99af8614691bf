import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { basename } from "node:path";
import { execa } from "execa";
import { afterEach, describe, expect, test } from "vitest";
import { openNetwork } from "../../../src/run/network/open-network.js";
import {
  blockHex,
  candidates,
  cleanups,
  cleanUp,
  countFinished,
  instance,
  isRoot,
  makeHome,
  makeOutside,
  open,
  runInside,
  startServer,
  tryFrom,
  tryHere,
  waitFor,
} from "./real-network.js";

afterEach(cleanUp);

/** A service of the machine, on all its addresses; its port. */
async function listenHere(): Promise<number> {
  const server = createServer((socket) => socket.on("error", () => undefined).end("host"));
  server.listen(0, "::");
  await once(server, "listening");
  cleanups.push(async () => server.close());
  return (server.address() as { port: number }).port;
}

describe.skipIf(!isRoot)("host network", () => {
  test("two servers on the same loopback port live side by side and a switch moves new connections only", async () => {
    const network = await open(await makeHome());
    const [a, b] = [
      await network.allocateInstance(instance("i-a")),
      await network.allocateInstance(instance("i-b")),
    ];
    await startServer(a, "first");
    await startServer(b, "second");
    const stable = network.stableAddress(0);

    expect(await tryHere(stable, 8888)).toMatchObject({ word: "ECONNREFUSED" });
    await network.setCurrent(stable, a.address);
    expect(await tryHere(stable, 8888)).toMatchObject({ word: "first" });
    await network.setCurrent(stable, b.address);
    await network.setCurrent(stable, b.address);
    expect(await tryHere(stable, 8888)).toMatchObject({ word: "second" });
    expect(await network.currentMap()).toEqual(new Map([[stable, b.address]]));

    await network.setCurrent(stable, null);
    await network.setCurrent(stable, null);
    const refused = await tryHere(stable, 8888);
    expect(refused.word).toBe("ECONNREFUSED");
    expect(refused.ms).toBeLessThan(50);
  });

  test("a connection that is open stays with its instance through a switch", async () => {
    const network = await open(await makeHome());
    const [a, b] = [
      await network.allocateInstance(instance("i-a")),
      await network.allocateInstance(instance("i-b")),
    ];
    await runInside(
      a,
      `require("net").createServer((s) => s.on("data", (d) => s.write("first " + d))).listen(8888, "127.0.0.1", () => console.log("up"))`,
    );
    await startServer(b, "second");
    const stable = network.stableAddress(1);
    await network.setCurrent(stable, a.address);
    const socket = connect(8888, stable);
    cleanups.push(async () => socket.destroy());
    await once(socket, "connect");
    await network.setCurrent(stable, b.address);
    socket.write("still here");
    expect(String((await once(socket, "data"))[0])).toBe("first still here");
    expect(await tryHere(stable, 8888)).toMatchObject({ word: "second" });
  });

  test("an instance reaches neither host, nor neighbours, nor stable addresses, and a strict rp_filter changes nothing", async () => {
    const network = await open(await makeHome());
    const [a, b] = [
      await network.allocateInstance(instance("i-a", true)),
      await network.allocateInstance(instance("i-b", true)),
    ];
    await startServer(a, "first");
    await startServer(b, "second");
    const stable = network.stableAddress(0);
    await network.setCurrent(stable, a.address);
    for (const link of (await readdir("/proc/sys/net/ipv4/conf")).filter((name) =>
      name.startsWith(`bv-${blockHex}`),
    )) {
      await writeFile(`/proc/sys/net/ipv4/conf/${link}/rp_filter`, "1");
    }

    const port = await listenHere();
    const gateway = b.address.replace(/\d+$/, (last) => String(Number(last) - 1));

    expect(await tryHere(stable, 8888)).toMatchObject({ word: "first" });
    expect(await tryHere("127.0.0.1", port)).toMatchObject({ word: "host" });
    expect(await tryFrom(b, gateway, port)).toBe("ECONNREFUSED");
    expect(await tryFrom(b, "127.0.0.1", port)).toBe("ECONNREFUSED");
    expect(await tryFrom(b, a.address, 8888)).toBe("ECONNREFUSED");
    expect(await tryFrom(b, stable, 8888)).toBe("ECONNREFUSED");
    expect(await tryFrom(b, "169.254.169.254", 80)).toBe("ECONNREFUSED");
    expect(
      (await execa("ip", ["-n", basename(b.netns), "-6", "-o", "addr", "show", "dev", "eth0"])).stdout,
    ).toBe("");
    // From the host only the port it serves on is open.
    expect(await tryHere(a.address, 8888)).toMatchObject({ word: "first" });
    expect(await tryHere(a.address, 8889)).toMatchObject({ word: "ECONNREFUSED" });
  });

  test("ended connections are forgotten within seconds, so that a busy app does not fill the machine's table", async () => {
    const network = await open(await makeHome());
    const a = await network.allocateInstance(instance("i-a"));
    await startServer(a, "first");
    const stable = network.stableAddress(0);
    await network.setCurrent(stable, a.address);
    const list = async (): Promise<string> =>
      (await execa("conntrack", ["-L", "-f", "ipv4", "-p", "tcp", "--orig-dst", stable], { reject: false }))
        .stdout;
    await tryHere(stable, 8888);
    expect(await list()).toContain(`dst=${stable}`);
    await waitFor(async () => (await list()) === "");
  });

  test("connections out need the wish, and come from the host's own address", async () => {
    const network = await open(await makeHome());
    const outside = await makeOutside();
    const shut = await network.allocateInstance(instance("i-shut"));
    const connected = await network.allocateInstance(instance("i-open", true));
    const build = await network.allocateBuild();
    expect(await tryFrom(shut, outside.address, 7000)).toBe("ECONNREFUSED");
    expect(await tryFrom(connected, outside.address, 7000)).toBe(`from ${outside.host}`);
    expect(await tryFrom(build, outside.address, 7000)).toBe(`from ${outside.host}`);
    // Nothing from outside gets in, although the machine forwards now.
    expect(await tryFrom(outside, connected.address, 8888)).toBe("timeout");
  });

  test("an allocation is quick when a namespace is ready", async () => {
    const network = await open(await makeHome());
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      // The table inside is the last thing that is made of a namespace.
      await waitFor(async () => (await countFinished()) === round + 1);
      const started = performance.now();
      await network.allocateInstance(instance(`i-${round}`));
      times.push(performance.now() - started);
    }
    console.log(`allocation took ${times.map((ms) => ms.toFixed(1)).join(", ")} ms`);
    expect(Math.min(...times)).toBeLessThan(50);
  });

  test("an instance that is released stops being the answer of its stable address", async () => {
    const network = await open(await makeHome());
    const a = await network.allocateInstance(instance("i-a"));
    await startServer(a, "first");
    const stable = network.stableAddress(0);
    await network.setCurrent(stable, a.address);
    await a.release();
    await a.release();
    expect(await network.currentMap()).toEqual(new Map());
    const refused = await tryHere(stable, 8888);
    expect(refused.word).toBe("ECONNREFUSED");
    expect(await tryHere(a.address, 8888)).toMatchObject({
      word: expect.stringMatching(/EHOSTUNREACH|ECONNREFUSED/),
    });
  });

  test("a new daemon adopts what lives, sweeps the rest, and traffic never stops", async () => {
    const home = await makeHome();
    const first = await openNetwork({ home, preferred: null, candidates });
    const [a, b] = [
      await first.allocateInstance(instance("i-a")),
      await first.allocateInstance(instance("i-b")),
    ];
    const inhabited = await first.allocateInstance(instance("i-unadopted"));
    await startServer(a, "first");
    await startServer(inhabited, "unadopted");
    const stable = first.stableAddress(3);
    await first.setCurrent(stable, a.address);
    await first.setCurrent(first.stableAddress(4), b.address);
    // The first daemon is simply forgotten, with its spare, as after kill -9.

    const second = await open(home, first.cidr);
    expect(second.cidr).toBe(first.cidr);
    expect(await tryHere(stable, 8888)).toMatchObject({ word: "first" });
    const gone = { ...instance("i-gone"), address: b.address.replace(/\d+$/, "126") };
    const adopted = await second.adopt([{ ...instance("i-a"), address: a.address }, gone]);
    expect(adopted.map((place) => place.address)).toEqual([a.address]);
    const swept = await second.sweep();
    expect(swept).toContain(b.address);
    expect(swept).not.toContain(inhabited.address);
    expect(await second.sweep()).toEqual([]);
    expect(await tryHere(inhabited.address, 8888)).toMatchObject({ word: "unadopted" });
    await second.releaseInstance(inhabited.address);
    expect(await tryHere(inhabited.address, 8888)).not.toMatchObject({ word: "unadopted" });
    expect(await second.currentMap()).toEqual(new Map([[stable, a.address]]));
    expect(await tryHere(stable, 8888)).toMatchObject({ word: "first" });
    await adopted[0]?.release();
    expect(await tryHere(stable, 8888)).toMatchObject({ word: "ECONNREFUSED" });
  });

  test("rules that somebody deleted are brought back", async () => {
    const network = await open(await makeHome());
    const a = await network.allocateInstance(instance("i-a", true));
    await startServer(a, "first");
    const stable = network.stableAddress(0);
    await network.setCurrent(stable, a.address);
    expect(await network.repair()).toBe(false);
    await execa("nft", ["delete", "table", "ip", `bloom_${network.cidr.replace(/[./]/g, "_")}`]);
    expect(await tryHere(stable, 8888)).not.toMatchObject({ word: "first" });
    expect(await network.repair()).toBe(true);
    expect(await tryHere(stable, 8888)).toMatchObject({ word: "first" });
    await execa("nft", ["flush", "table", "ip", `bloom_${network.cidr.replace(/[./]/g, "_")}`]);
    expect(
      await tryFrom(
        a,
        a.address.replace(/\d+$/, (last) => String(Number(last) - 1)),
        await listenHere(),
      ),
    ).toBe("host");
    expect(await network.repair()).toBe(true);
    expect(await network.repair()).toBe(false);
    expect(await tryHere(stable, 8888)).toMatchObject({ word: "first" });
  });

  test("an instance is reached on all of its ports and on no other, also on those opened later and after a repair", async () => {
    const home = await makeHome();
    const first = await openNetwork({ home, preferred: null, candidates });
    const a = await first.allocateInstance({ ...instance("i-a"), ports: [7878, 7879] });
    const bare = await first.allocateInstance({ ...instance("i-bare"), ports: [] });
    for (const port of [7878, 7879, 7880]) await startServer(a, `on ${port}`, port);
    await startServer(bare, "bare");
    const stable = first.stableAddress(0);
    await first.setCurrent(stable, a.address);
    const answers = async (): Promise<string[]> => {
      const tried = [7878, 7879, 7880].map(async (port) => (await tryHere(stable, port)).word);
      return [...(await Promise.all(tried)), (await tryHere(bare.address, 8888)).word];
    };
    const refused = "ECONNREFUSED";
    expect(await answers()).toEqual(["on 7878", "on 7879", refused, refused]);

    await first.openPorts(a.address, [7879, 7880]);
    await first.openPorts(bare.address, [8888]);
    const all = ["on 7878", "on 7879", "on 7880", "bare"];
    expect(await answers()).toEqual(all);
    await expect(first.openPorts(a.address, [70_000])).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });

    // What the kernel holds is what a later daemon begins with.
    const second = await open(home, first.cidr);
    await execa("nft", ["delete", "table", "ip", `bloom_${second.cidr.replace(/[./]/g, "_")}`]);
    expect(await second.repair()).toBe(true);
    expect(await answers()).toEqual(all);
    const { stdout } = await execa("nft", [
      "list",
      "table",
      "ip",
      `bloom_${second.cidr.replace(/[./]/g, "_")}`,
    ]);
    expect(stdout).toContain(`${a.address} . 7880 comment "i-a"`);
    expect(stdout).toContain(`${bare.address} . 8888 comment "i-bare"`);

    await second.releaseInstance(a.address);
    await second.releaseInstance(bare.address);
    await expect(second.openPorts(a.address, [80])).rejects.toMatchObject({ code: "ERR_INSTANCE_LOST" });
    const table = `bloom_${second.cidr.replace(/[./]/g, "_")}`;
    expect((await execa("nft", ["list", "set", "ip", table, "open"])).stdout).not.toContain("elements");
  });

  test("nothing is left after destroy", async () => {
    const home = await makeHome();
    const network = await openNetwork({ home, preferred: null, candidates });
    await network.allocateInstance(instance("i-a"));
    await network.allocateBuild();
    const prefix = network.cidr.replace(/\.\d+\/\d+$/, ".");
    await network.close();
    await network.close();
    await network.destroy();
    await network.destroy();
    const remains = await Promise.all([
      readdir("/run/netns"),
      readdir("/sys/class/net"),
      execa("nft", ["list", "tables"]).then((result) => result.stdout.split("\n")),
      execa("ip", ["route", "show", "table", "all"]).then((result) => result.stdout.split("\n")),
      execa("cat", ["/proc/self/mountinfo"]).then((result) => result.stdout.split("\n")),
    ]);
    const marks = [blockHex, prefix, `bloom_${prefix.replaceAll(".", "_")}`];
    expect(remains.flat().filter((line) => marks.some((mark) => line.includes(mark)))).toEqual([]);
  });
});

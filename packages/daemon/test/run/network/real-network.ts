import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import type { OutboundOptions } from "../../../src/run/network/open-outbound.js";
import type { InstanceNetworkWish, NetworkPlace } from "../../../src/run/network/network-place.js";
import { openNetwork, type HostNetwork } from "../../../src/run/network/open-network.js";
import { lane } from "../../lane.js";

const octet = 240 + (lane % 16);
/** A block at the far end of the range, so that a daemon on the same machine is left alone, and its halves. */
export const wholeBlock = `198.19.${octet}.0/24`;
/** How its addresses begin in names of namespaces and links. */
export const blockHex = `c613${octet.toString(16)}`;
export const candidates = [`198.19.${octet}.0/25`, `198.19.${octet}.128/25`];
export const isRoot = process.getuid?.() === 0;

export const cleanups: (() => Promise<unknown>)[] = [];
/** Undoes what a test has made, the last first; to be given to afterEach. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

export async function makeHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "bloom-net-"));
  cleanups.push(() => rm(home, { recursive: true, force: true }));
  return home;
}

export async function open(
  home: string,
  preferred: string | null = null,
  options: OutboundOptions = {},
): Promise<HostNetwork> {
  const network = await openNetwork({ ...options, home, preferred, candidates });
  cleanups.push(() => network.destroy());
  return network;
}

/** Runs JavaScript inside a namespace until the test ends; resolves with its first line of output. */
export async function runInside(place: { readonly netns: string }, source: string): Promise<string> {
  const child = spawn("ip", ["netns", "exec", basename(place.netns), process.execPath, "-e", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  cleanups.push(() => stop(child));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return line.toString().trim();
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** A server bound to the namespace's loopback that says its name to everyone. */
export function startServer(place: NetworkPlace, name: string, port = 8888): Promise<string> {
  return runInside(
    place,
    `require("net").createServer((s) => s.on("error", () => {}).end(${JSON.stringify(name)})).listen(${port}, "127.0.0.1", () => console.log("up"))`,
  );
}

/** What a connect from inside the namespace comes to: the first bytes, an error code or `timeout`. */
export function tryFrom(place: { readonly netns: string }, host: string, port: number): Promise<string> {
  return runInside(
    place,
    `const s = require("net").connect(${port}, ${JSON.stringify(host)});
     const end = (word) => { console.log(word); s.destroy(); };
     s.setTimeout(1500, () => end("timeout")); s.on("error", (e) => end(e.code)); s.on("data", (d) => end(String(d)));`,
  );
}

/** The same from the host, with the milliseconds it took. */
export function tryHere(host: string, port: number): Promise<{ word: string; ms: number }> {
  const started = performance.now();
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const end = (word: string): void => {
      socket.destroy();
      resolve({ word, ms: performance.now() - started });
    };
    socket.setTimeout(2000, () => end("timeout"));
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? "error"));
    socket.on("data", (data) => end(String(data)));
  });
}

/** An ordinary instance of an app on port 8888. */
export const instance = (id: string, outbound = false): InstanceNetworkWish => ({
  ...{ id, outbound },
  ...{ ports: [8888], relays: [], only: null },
});

/** A namespace that plays the rest of the world: a host beyond a link, which tells callers who they are. */
export async function makeOutside(): Promise<{ netns: string; address: string; host: string }> {
  const name = `bloomtest-${process.pid}`;
  // Of its own, so that tests of another checkout do not meet.
  const pair = (process.pid % 127) * 2;
  const [host, address] = [`203.0.113.${pair}`, `203.0.113.${pair + 1}`];
  cleanups.push(() => execa("ip", ["netns", "del", name], { reject: false }));
  await execa("ip", ["-batch", "-"], {
    input: [
      `netns add ${name}`,
      `link add bt${process.pid} type veth peer name eth0 netns ${name}`,
      `addr add ${host} peer ${address} dev bt${process.pid}`,
      `link set bt${process.pid} up`,
      "",
    ].join("\n"),
  });
  cleanups.push(() => execa("ip", ["link", "del", `bt${process.pid}`], { reject: false }));
  await execa("ip", ["-n", name, "-batch", "-"], {
    input: `addr add ${address} peer ${host} dev eth0\nlink set eth0 up\nroute add default via ${host}\n`,
  });
  await runInside(
    { netns: name },
    `require("net").createServer((s) => s.on("error", () => {}).end("from " + s.remoteAddress)).listen(7000, "0.0.0.0", () => console.log("up"))`,
  );
  return { netns: name, address, host };
}

export async function countFinished(): Promise<number> {
  const names = (await readdir("/run/netns")).filter((name) => name.startsWith(`bl-${blockHex}`));
  const tables = await Promise.all(
    names.map((name) => execa("ip", ["netns", "exec", name, "nft", "list", "tables"], { reject: false })),
  );
  return tables.filter((result) => result.stdout?.includes("table ip bloom")).length;
}

export async function waitFor(isDone: () => Promise<boolean>): Promise<void> {
  const limit = Date.now() + 5000;
  while (!(await isDone())) {
    if (Date.now() > limit) throw new Error("it did not happen within 5 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

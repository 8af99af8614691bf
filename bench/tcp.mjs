import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findProgram } from "../scripts/lib/find-program.mjs";
import { pick } from "./lib/counts.mjs";
import { percentile, post, putToSleep, until } from "./lib/functions.mjs";
import { copyProject, edit, makeFolder, startPlatform, summarize } from "./lib/platform.mjs";
import { readProportionalMb, readTicks } from "./lib/processes.mjs";
import { compileLoad, load, makeEcho, startHaproxy, startLoad, startStraight } from "./lib/tcp-sides.mjs";

const rounds = pick(7, 1);
const seconds = pick(3, 1);

export const about = `An echo server that binds its own port: deployed and reached through the edge, beside the same server reached
straight over loopback, and beside Debian's HAProxy in front of it. Clients are our own and compare every byte. Deploys
happen while ${pick(500, 50)} connections are in constant use (each asks again 20 ms after its answer) and others come and go.`;

/** Raw TCP through the edge. */
export async function measure() {
  if (findProgram("haproxy") === undefined) return "haproxy is not installed";
  const folders = ["programs", "app", "straight", "haproxy"].map((name) => makeFolder(`tcp-${name}`));
  const [programs, app, straight, haproxy] = folders;
  const platform = await startPlatform();
  const closers = [];
  try {
    const program = compileLoad(programs);
    const toml = `[[tcp]]\nport = PORT\n[limits]\npids = 30000\nmemory = "4GiB"\n`;
    const port = await makeEcho(app, toml);
    await platform.bloom("deploy", app, "-a", "echo");
    const plain = await startStraight(straight);
    closers.push(plain.stop);
    const peer = await startHaproxy(haproxy, plain.port);
    closers.push(peer.stop);
    const sides = { edge: port, straight: plain.port, haproxy: peer.port };
    return [
      ...(await compareBlocks(program, sides)),
      ...(await compareTrips(program, sides)),
      await deployUnderUse(program, platform, app, port),
      ...(await holdIdle(program, platform, port)),
      ...(await wakeInTurn(platform, port)),
    ];
  } finally {
    for (const close of closers) await close();
    await platform.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}

/** All sides in turn, so often. */
async function takeTurns(sides, ask) {
  const runs = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, port] of Object.entries(sides)) runs[name].push(await ask(port));
  }
  return runs;
}

const ratio = (ours, theirs) => summarize(ours.map((one, index) => one / theirs[index]));

async function compareBlocks(program, sides) {
  const size = 64 << 10;
  const runs = await takeTurns(
    sides,
    async (port) => (await load(program, "blocks", port, seconds, 2, size)).megabytesPerSecond,
  );
  const [toStraight, toPeer] = [ratio(runs.edge, runs.straight), ratio(runs.edge, runs.haproxy)];
  const what = "blocks of 64 KiB, there and back, 2 connections";
  const side = (name) => `${summarize(runs[name]).median.toFixed(0)} MB/s`;
  return [
    {
      ...{ what, peer: "straight to the app", target: "≥ 0.7 ×", met: toStraight.median >= 0.7 },
      ...{
        result: `${toStraight.median.toFixed(2)} × (${side("edge")} beside ${side("straight")})`,
        ratio: toStraight,
      },
    },
    {
      ...{ what, peer: "HAProxy", target: "≥ 1 ×", met: toPeer.median >= 1 },
      ...{ result: `${toPeer.median.toFixed(2)} × (${side("haproxy")})`, ratio: toPeer },
    },
  ];
}

async function compareTrips(program, sides) {
  const runs = await takeTurns(
    sides,
    async (port) => (await load(program, "trips", port, seconds, 64)).p50Us,
  );
  const over = (name) => summarize(runs[name].map((one, index) => one - runs.straight[index]));
  const [edge, peer] = [over("edge"), over("haproxy")];
  const what = "added to a round trip of 64 bytes";
  const show = ({ median }) => `${median.toFixed(0)} µs`;
  return [
    {
      what,
      peer: "straight to the app",
      target: "≤ 60 µs",
      result: show(edge),
      met: edge.median <= 60,
      us: edge,
    },
    {
      ...{ what, peer: "HAProxy", target: "no more" },
      ...{
        result: `${show(edge)} beside ${show(peer)}`,
        met: edge.median <= peer.median,
        us: edge,
        peerUs: peer,
      },
    },
  ];
}

async function deployUnderUse(program, platform, app, port) {
  const [deploys, clients, perSecond] = [pick(10, 2), pick(500, 50), pick(500, 50)];
  const stopConstant = await startLoad(program, "constant", port, clients);
  const stopRate = await startLoad(program, "rate", port, perSecond);
  for (let index = 0; index < deploys; index++) {
    edit(join(app, "src/main.rs"), (text) => `${text}\n// version ${index}\n`);
    await platform.bloom("deploy", app, "-a", "echo");
  }
  const [constant, rate] = [await stopConstant(), await stopRate()];
  const broken = constant.broken + constant.wrong;
  const lost = rate.refused + rate.broken + rate.wrong;
  return {
    what: `${deploys} deploys, ${clients} connections in constant use, ${perSecond} new ones a second`,
    target: "0 broken, 0 wrong, 0 refused",
    result: `${broken} broken or wrong of ${constant.asked} questions, ${lost} lost of ${rate.asked + lost} new connections`,
    met: broken + lost === 0,
    ...{ constant, rate },
  };
}

/** What the edge holds for clients that are connected and silent, and what the daemon does meanwhile. */
async function holdIdle(program, platform, port) {
  const count = pick(10_000, 500);
  // What the deploys have left is cleared away first.
  await until(
    () => platform.json("ps", "echo"),
    ({ instances }) => instances.length === 1,
  );
  const { nginx } = await platform.json("server", "status");
  const before = readProportionalMb(nginx.pid);
  const daemon = await platform.daemonPid();
  const ticks = readTicks(daemon);
  const began = performance.now();
  const release = await startLoad(program, "hold", port, count);
  await new Promise((resolve) => setTimeout(resolve, pick(10_000, 1000)));
  const edge = readProportionalMb(nginx.pid);
  const percent = ((readTicks(daemon) - ticks) * 1000) / (performance.now() - began);
  const { asked, refused, broken } = await release();
  return [
    {
      what: `${count} idle connections: memory of the edge`,
      target: "≤ 200 MB, all of them answered",
      result: `${edge.toFixed(0)} MB (${before.toFixed(0)} MB without them), ${asked} answered`,
      met: edge <= 200 && asked === count && refused + broken === 0,
      megabytes: edge,
    },
    {
      what: `${count} idle connections: processor of bloomd while they come and stay`,
      ...{ target: "≤ 5 %", result: `${percent.toFixed(1)} %`, met: percent <= 5, percent },
    },
  ];
}

/** What an instance leaves is cleared away, and the next one's place is made: whoever comes so soon is not measured. */
const asleepMs = 500;

/**
 * From the wish to the first byte of an app of which nothing runs: the echo server, a web app on a port, and a prefork app
 * that has no network at all.
 */
async function wakeInTurn(platform, port) {
  const [web, prefork] = ["examples/web-hello", "examples/prefork-hello"].map(copyProject);
  try {
    writeFileSync(join(prefork, "bloom.toml"), '[run]\nnetwork = "none"\n');
    await platform.bloom("deploy", web, "-a", "hello");
    await platform.bloom("deploy", prefork, "-a", "library");
    const get = (name) => post(platform.httpPort, "/", { host: `${name}-local.localhost` });
    const own = "in a network of its own";
    const sides = [
      { name: "echo", what: `tcp, ${own}`, limit: 60, ask: () => firstByte(port) },
      { name: "hello", what: `web, ${own}`, limit: 60, ask: () => get("hello").then(({ ms }) => ms) },
      {
        ...{ name: "library", what: "prefork, by a unix socket alone", limit: 12 },
        ask: () => get("library").then(({ ms }) => ms),
      },
    ];
    const rows = [];
    for (const { name, what, limit, ask } of sides) {
      const times = [];
      for (let round = 0; round < pick(40, 5); round++) {
        await putToSleep(platform, name);
        await delay(asleepMs);
        times.push(await ask());
      }
      const [middle, worst] = [percentile(times, 0.5), percentile(times, 0.99)];
      rows.push({
        what: `from sleep to the first byte, ${what}`,
        ...{ target: `p50 ≤ ${limit} ms`, met: middle <= limit, p50Ms: middle, p99Ms: worst },
        result: `p50 ${middle.toFixed(1)} ms, p99 ${worst.toFixed(1)} ms`,
      });
    }
    return rows;
  } finally {
    for (const folder of [web, prefork]) rmSync(folder, { recursive: true, force: true });
  }
}

async function firstByte(port) {
  const begin = performance.now();
  const socket = connect(port, "127.0.0.1");
  socket.write("good morning");
  await once(socket, "data");
  socket.destroy();
  return performance.now() - begin;
}

import { rmSync } from "node:fs";
import { findFreePort, makeFolder, summarize } from "./platform.mjs";
import { readFirstAnswer, startOurs, startUwsgi } from "./prefork-sides.mjs";

/**
 * Ours and uWSGI with so many workers and threads, both serving, while `work({ ours, theirs })` runs; each has `port`,
 * `pid`, `socket` (HTTP, or uWSGI's own protocol there) and `packets` (that protocol with ours). Where
 * `peerSocket` is "" uWSGI has `socket` alone, since it is many times slower where it watches two, and nobody has asked it yet.
 */
export async function withPair(
  parts,
  { processes, threads, cpu, peerSocket = "--http11-socket", handler },
  work,
) {
  const started = [];
  const folders = [];
  const start = async (make, planSockets, settings) => {
    const folder = makeFolder("prefork");
    folders.push(folder);
    const port = await findFreePort();
    const { sockets, ...paths } = planSockets(folder, port);
    const side = make(parts, { folder, processes, threads, cpu, sockets, ...settings });
    started.push(side);
    const hasPort = sockets.length > 2;
    const first = hasPort ? await readFirstAnswer(side, port) : undefined;
    return { ...side, ...paths, port, folder, first };
  };
  try {
    const ours = await start(startOurs, planOurs);
    const theirs = await start(startUwsgi, (folder, port) => planTheirs(folder, port, peerSocket), {
      handler,
    });
    for (const { first } of [ours, theirs]) if (first) assertHello(first.text);
    return await work({ ours, theirs });
  } finally {
    for (const side of started) await side.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}

function planOurs(folder, port) {
  const [socket, packets] = [`${folder}/http.sock`, `${folder}/packets.sock`];
  const sockets = ["--http-socket", `127.0.0.1:${port}`, "--http-socket", socket, "--socket", packets];
  return { sockets, socket, packets };
}

function planTheirs(folder, port, peerSocket) {
  const socket = `${folder}/packets.sock`;
  const own = peerSocket === "" ? [] : [peerSocket, `127.0.0.1:${port}`];
  return { sockets: [...own, "--socket", socket], socket };
}

export function assertHello(text) {
  const isHello =
    text.startsWith("HTTP/1.1 200 OK\r\n") && /^Foo: Bar\r$/m.test(text) && text.endsWith("\r\n\r\nHello");
  if (!isHello) throw new Error(`this is not the app's answer:\n${text}`);
}

/** Runs each of `loads` (name → function) in turn, `rounds` times. Returns name → what each round gave. */
export async function takeTurns(rounds, loads) {
  const all = Object.fromEntries(Object.keys(loads).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Whoever comes second may find the machine in another state.
    const names = Object.keys(loads);
    for (const name of round % 2 === 0 ? names : names.toReversed()) all[name].push(await loads[name]());
  }
  return all;
}

/** The ratio of each round, as numbers of a row: `perSecond` of ours and of the peer. */
export function compare(own, other) {
  const ratio = summarize(own.map(({ perSecond }, round) => perSecond / other[round].perSecond));
  const [perSecond, peerPerSecond] = [own, other].map((runs) => summarize(runs.map((run) => run.perSecond)));
  const [mine, their] = [perSecond, peerPerSecond].map(({ median }) => Math.round(median));
  const range = `${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}`;
  const result = `${ratio.median.toFixed(2)} × (${range}; ${mine}/s beside ${their}/s)`;
  return { result, ratio, perSecond, peerPerSecond };
}

export const sum = (runs, name) => runs.reduce((all, run) => all + run[name], 0);
export const ms = (value) => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;

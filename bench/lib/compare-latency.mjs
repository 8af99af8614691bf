import { openCaller } from "./caller.mjs";
import { pick } from "./counts.mjs";
import { percentile } from "./functions.mjs";

const rounds = pick(10_000, 300);
const warmUp = pick(1000, 100);
const wantedMicroseconds = 100;

/**
 * What our side adds to the time of one request, as a row of the published table: a connection to each, asked in turn,
 * request by request, so that both see the same machine. `write` makes the request of a round.
 */
export async function compareLatency({ what, peer, ours, theirs, write }) {
  const [own, other] = [await openCaller(ours), await openCaller(theirs)];
  const [times, peerTimes] = [[], []];
  try {
    for (let round = 0; round < warmUp + rounds; round++) {
      // Whoever comes second finds a warmer processor.
      const isFirst = round % 2 === 0;
      if (isFirst) times.push((await own.ask(write(round))).ms);
      peerTimes.push((await other.ask(write(round))).ms);
      if (!isFirst) times.push((await own.ask(write(round))).ms);
    }
  } finally {
    for (const one of [own, other]) one.close();
  }
  const [mine, their] = [times, peerTimes].map((all) => describe(all.slice(warmUp)));
  const added = mine.p50 - their.p50;
  return {
    ...{ what, peer },
    result: `+ ${added.toFixed(0)} µs (p50 ${mine.p50.toFixed(0)} beside ${their.p50.toFixed(0)} µs)`,
    target: `≤ + ${wantedMicroseconds} µs`,
    met: added <= wantedMicroseconds,
    microseconds: mine,
    peerMicroseconds: their,
  };
}

function describe(times) {
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => percentile(times, share) * 1000);
  return { p50, p90, p99, runs: times.length };
}
